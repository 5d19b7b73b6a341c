while changes=$(psql -XqAt -F ' ' -c "SELECT number, extract(epoch FROM bucket)::bigint, round(value::numeric, 2)
                                      FROM kpi.poll('wallboard', wait => '30 s')"); do
  [ "$changes" ] || continue
  echo "$changes"
  last=${changes##*$'\n'}
  psql -Xqc "SELECT kpi.ack('wallboard', ${last%% *})" >/dev/null
done

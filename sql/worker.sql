-- The last statement of the installation: the launcher hears of this database when it is committed.
SELECT kpi._extension_is_there();

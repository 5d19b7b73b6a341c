//! stub
use pgrx::prelude::*;
pub struct DetectorDatum(pub kpi_anomaly::detector::Detector);
impl FromDatum for DetectorDatum {
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, _: pg_sys::Oid) -> Option<Self> {
        if is_null {
            return None;
        }
        let bytes = unsafe {
            let varlena = pg_sys::pg_detoast_datum_packed(datum.cast_mut_ptr());
            pgrx::varlena::varlena_to_byte_slice(varlena)
        };
        kpi_anomaly::detector::Detector::decode(bytes)
            .ok()
            .map(DetectorDatum)
    }
}
impl IntoDatum for DetectorDatum {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        Some(pg_sys::Datum::from(
            pgrx::rust_byte_slice_to_bytea(&self.0.encode()).into_pg(),
        ))
    }
    fn type_oid() -> pg_sys::Oid {
        pgrx::wrappers::regtypein("kpi.detector")
    }
}
pgrx::extension_sql!(
    "CREATE DOMAIN kpi.detector AS bytea;",
    name = "anomaly_detector",
    requires = ["anomaly"]
);

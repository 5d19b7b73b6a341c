//! A transaction is visible a moment before it tells other sessions which of their caches it has made stale. In that moment a
//! kept plan knows nothing of the chunk or child table that the transaction has made, though a snapshot shows its rows: a
//! refresh that took its minutes off the list would leave these rows out, for good.
//!
//! The lock on a transaction's number is released after it has told everybody, so waiting for that lock is enough.

use std::collections::HashSet;

use pgrx::pg_sys;

/// Waits until some transactions, which a snapshot has shown as committed, have sent their invalidations; and takes them in.
pub fn await_sent(transactions: &HashSet<pg_sys::TransactionId>) {
    // SAFETY: numbers of transactions that are over, or this one, which is skipped; whoever is over waits for nobody. What has
    // been a subtransaction can be looked up as long as it is not older than the oldest that runs.
    unsafe {
        for &transaction in transactions {
            if transaction < pg_sys::FirstNormalTransactionId
                || pg_sys::TransactionIdIsCurrentTransactionId(transaction)
            {
                continue;
            }
            let top = if pg_sys::TransactionIdPrecedes(transaction, pg_sys::TransactionXmin) {
                transaction
            } else {
                pg_sys::SubTransGetTopmostTransaction(transaction)
            };
            pg_sys::XactLockTableWait(
                top,
                std::ptr::null_mut(),
                std::ptr::null_mut(),
                pg_sys::XLTW_Oper::XLTW_None,
            );
        }
        pg_sys::AcceptInvalidationMessages();
    }
}

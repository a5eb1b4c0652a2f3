//! Who writes next.

use std::fs::File;

use super::Fixture;
use crate::store::Store;

#[test]
fn who_waits_writes_before_who_has_just_written() {
    let mut fixture = Fixture::new();
    let mut other = Store::open(&fixture.path()).unwrap();
    let folder = File::open(fixture.folder.path()).unwrap();
    for jail in ["a", "b", "c"] {
        std::thread::scope(|scope| {
            let batch = fixture.store.begin().unwrap();
            scope.spawn(|| other.jail(jail).unwrap());
            while folder.try_lock().is_ok() {
                folder.unlock().unwrap();
                std::thread::yield_now();
            }
            batch.commit().unwrap();
            // Without a moment in between.
            let batch = fixture.store.begin().unwrap();
            let known = batch.reader().conn.prepare("SELECT 1 FROM jail WHERE name = ?1");
            assert!(known.unwrap().exists([jail]).unwrap(), "{jail} is still waiting");
        });
    }
}

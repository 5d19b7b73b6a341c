//! A store in a folder: conformance, durability's traces, and what may be wrong with a folder.

// Tests may; clippy does not see that functions beside them are theirs.
#![allow(clippy::unwrap_used)]

mod store_suite;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use bytes::Bytes;
use kpi_archive::{ErrorKind, Store, StoreOptions};
use store_suite::{conforms, long_lists_are_whole, noise, text};

fn options(path: &Path) -> StoreOptions {
    StoreOptions {
        url: format!("file://{}", path.display()),
        values: vec![],
    }
}

fn open(path: &Path) -> Store {
    Store::open(&options(path)).unwrap()
}

#[test]
fn a_folder_is_a_store() {
    let folder = tempfile::tempdir().unwrap();
    conforms(&open(folder.path()));
    long_lists_are_whole(&open(folder.path()));
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        0,
        "empty folders are removed"
    );
    let spaced = folder.path().join("with space and ä");
    fs::create_dir(&spaced).unwrap();
    conforms(&open(&spaced));
}

#[test]
fn a_slash_at_the_end_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}/", folder.path().display());
    let store = Store::open(&StoreOptions { url, values: vec![] }).unwrap();
    conforms(&store);
    assert_eq!(store.object("a"), format!("file://{}/a", folder.path().display()));
}

#[test]
fn a_folder_that_is_missing_or_a_file_is_told_and_never_created() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("not mounted");
    let error = Store::open(&options(&missing)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(text(&error).contains("does not exist"));
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let error = Store::open(&options(&file)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(text(&error).contains("not a folder"));

    // It goes away while the store is open, as a disk does that is unmounted.
    fs::create_dir(&missing).unwrap();
    let store = open(&missing);
    store.put("a/b", &Bytes::from_static(b"1")).unwrap();
    fs::remove_dir_all(&missing).unwrap();
    for error in [
        store.put("a/c", &Bytes::new()).unwrap_err(),
        store.get("a/b").unwrap_err(),
        store.list("").unwrap_err(),
        store.delete("a/b").unwrap_err(),
        store.size("a/b").unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Configuration, "{}", text(&error));
    }
    assert!(!missing.exists());
}

#[test]
fn options_of_other_stores_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(folder.path());
    options.values.push(("region".into(), "eu".into()));
    let error = Store::open(&options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.hint().unwrap().contains("url"));
    for url in ["file://relative", "file://host/path", "file://"] {
        assert_eq!(
            Store::open(&StoreOptions {
                url: url.into(),
                values: vec![]
            })
            .unwrap_err()
            .kind(),
            ErrorKind::Configuration
        );
    }
}

#[test]
fn a_folder_that_may_not_be_written_to_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.put("a/b", &Bytes::from_static(b"1")).unwrap();
    fs::set_permissions(folder.path().join("a"), fs::Permissions::from_mode(0o555)).unwrap();
    let probe = folder.path().join("a/probe");
    // Permissions do not bind root.
    if fs::write(&probe, "").is_ok() {
        println!("SKIPPED: this user may write everywhere");
        fs::remove_file(&probe).unwrap();
    } else {
        let error = store.put("a/c", &Bytes::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{}", text(&error));
        assert_eq!(store.delete("a/b").unwrap_err().kind(), ErrorKind::Denied);
        assert!(error.hint().unwrap().contains("account"));
    }
    fs::set_permissions(folder.path().join("a"), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_name_that_is_taken_by_the_other_kind_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.put("a", &Bytes::from_static(b"1")).unwrap();
    let error = store.put("a/b", &Bytes::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration, "{}", text(&error));
    store.delete("a").unwrap();
    store.put("a/b", &Bytes::new()).unwrap();
    let error = store.put("a", &Bytes::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration, "{}", text(&error));
    assert_eq!(store.list("").unwrap().len(), 1, "no staged file is left");
}

#[test]
fn a_device_is_no_object() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.path().join("endless")).unwrap();
    let store = open(folder.path());
    assert!(store.list("").unwrap().is_empty());
    assert_eq!(store.get("endless").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(store.size("endless").unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn what_a_killed_writer_left_is_listed_and_can_be_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.put("owner/intent/0001.parquet", &noise(100, 1)).unwrap();
    fs::write(
        folder.path().join("owner/intent/0002.parquet.4711-0.partial"),
        "half",
    )
    .unwrap();
    let listed = store.list("owner/intent").unwrap();
    assert_eq!(listed.len(), 2);
    assert!(listed[1].key.ends_with(".partial"));
    for entry in listed {
        store.delete(&entry.key).unwrap();
    }
    assert!(store.list("").unwrap().is_empty());
}

/// The process that a test kills half way through writing: it writes object after object until then.
#[test]
#[ignore = "started by the test of killed writers, as a process of its own"]
fn writes_without_end() {
    let path = std::env::var("KPI_TEST_WRITE_INTO").unwrap();
    let store = open(Path::new(&path));
    let bytes = noise(4_000_000, 9);
    for i in 0.. {
        store.put(&format!("k/{i:04}.parquet"), &bytes).unwrap();
    }
}

#[test]
fn a_writer_that_is_killed_leaves_only_whole_objects_and_staged_files() {
    let folder = tempfile::tempdir().unwrap();
    let expected = noise(4_000_000, 9);
    let store = open(folder.path());
    let (mut whole, mut staged) = (0, 0);
    for round in 0..6 {
        let mut writer = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["writes_without_end", "--exact", "--ignored"])
            .env("KPI_TEST_WRITE_INTO", folder.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        while store
            .list("k")
            .unwrap()
            .iter()
            .filter(|e| e.key.ends_with(".parquet"))
            .count()
            < 2
        {
            assert!(writer.try_wait().unwrap().is_none(), "the writer ended by itself");
            std::thread::yield_now();
        }
        std::thread::sleep(std::time::Duration::from_millis(round * 3));
        writer.kill().unwrap();
        writer.wait().unwrap();
        for entry in store.list("k").unwrap() {
            if entry.key.ends_with(".partial") {
                staged += 1;
            } else {
                whole += 1;
                assert!(store.get(&entry.key).unwrap() == expected, "{}", entry.key);
            }
            store.delete(&entry.key).unwrap();
        }
        assert!(store.list("").unwrap().is_empty());
    }
    println!("{whole} whole objects, {staged} staged files");
    assert!(whole >= 12);
}

#[test]
fn many_write_and_delete_in_the_same_folders() {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for writer in 0..4u64 {
            let path = folder.path();
            scope.spawn(move || {
                let store = open(path);
                for i in 0..50u64 {
                    let key = format!("same/folder/{writer}-{i}");
                    store.put(&key, &noise(100, writer * 1000 + i)).unwrap();
                    assert_eq!(store.get(&key).unwrap(), noise(100, writer * 1000 + i));
                    store.delete(&key).unwrap();
                }
            });
        }
    });
    assert!(open(folder.path()).list("").unwrap().is_empty());
}

#[test]
fn writers_of_the_same_object_do_not_mix() {
    let folder = tempfile::tempdir().unwrap();
    let versions: Vec<Bytes> = (0..4).map(|i| noise(300_000, i + 1)).collect();
    std::thread::scope(|scope| {
        for version in &versions {
            let path = folder.path();
            scope.spawn(move || {
                let store = open(path);
                for _ in 0..10 {
                    store.put("one", version).unwrap();
                }
            });
        }
        let store = open(folder.path());
        for _ in 0..200 {
            if let Ok(bytes) = store.get("one") {
                assert!(versions.contains(&bytes), "a mixture");
            }
        }
    });
}

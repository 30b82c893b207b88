//! The worker and its owner, in every order.

use std::sync::Arc;

use loom::{future::block_on, thread};

use super::{CannotBegin, Lifecycle, NotReady, Phase};
use crate::loom_tests::model;

#[test]
fn loom_lifecycle_stop_races_begin() {
    model(|| {
        let lifecycle = Arc::new(Lifecycle::new());
        let begins = {
            let lifecycle = Arc::clone(&lifecycle);
            thread::spawn(move || match lifecycle.begin() {
                Ok(worker) => {
                    block_on(worker.stop_requested());
                    worker.end();
                }
                Err(error) => assert_eq!(error, CannotBegin::Stopped),
            })
        };
        lifecycle.stop();
        block_on(lifecycle.stopped()).unwrap();
        begins.join().unwrap();
        assert_eq!(lifecycle.phase(), Phase::Stopped);
    });
}

#[test]
fn loom_lifecycle_failure_races_stop_and_ready() {
    model(|| {
        let lifecycle = Arc::new(Lifecycle::new());
        let worker = lifecycle.begin_owned().unwrap();
        let works = thread::spawn(move || {
            worker.ready();
            drop(worker);
        });
        match block_on(lifecycle.ready()) {
            Ok(()) => {}
            Err(NotReady::Failed(failed)) => assert!(failed.is_abandoned()),
            Err(NotReady::Stopped) => panic!("nobody stopped it"),
        }
        lifecycle.stop();
        assert!(block_on(lifecycle.stopped()).is_err());
        works.join().unwrap();
        assert_eq!(lifecycle.phase(), Phase::Failed);
    });
}

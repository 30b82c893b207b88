//! Deadlines that move, and what they say of themselves.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bowline_concurrency::{DeadlineHandle, RescheduleError, Scope, cancelled, deadline, effective_deadline, timeout};
use bowline_testing::Polled;
use tokio::{
    sync::oneshot,
    task::yield_now,
    time::{Instant, sleep},
};

use crate::support::{LONG, forever, on_both, timed};

#[test]
fn to_15_deadline_is_rescheduled_later_earlier_and_never() {
    timed(|scale| async move {
        let began = Instant::now();
        let later = deadline(scale.units(2), |deadline| async move {
            deadline.reschedule(began + scale.units(4)).unwrap();
            assert_eq!(effective_deadline(), Some(began + scale.units(4)));
            forever::<()>().await
        });
        assert!(later.await.is_err());
        scale.assert_took(began, 4);

        let began = Instant::now();
        let earlier = deadline(LONG, |deadline| async move {
            yield_now().await;
            deadline.reschedule(began + scale.units(2)).unwrap();
            forever::<()>().await
        });
        assert!(earlier.await.is_err());
        scale.assert_took(began, 2);

        let never = deadline(scale.units(1), |deadline| async move {
            deadline.reschedule(None).unwrap();
            assert_eq!((deadline.at(), deadline.remaining(), effective_deadline()), (None, None, None));
            sleep(scale.units(3)).await;
            7
        });
        assert_eq!(never.await.unwrap(), 7);
    });
}

#[test]
fn to_15_deadline_is_rescheduled_from_another_task_while_its_body_sleeps() {
    on_both(|| async {
        let (give, given) = oneshot::channel::<DeadlineHandle>();
        let mover = tokio::spawn(async move {
            let deadline = given.await.unwrap();
            yield_now().await;
            deadline.reschedule(Instant::now()).unwrap();
        });
        let moved = deadline(LONG, |deadline| async move {
            give.send(deadline).unwrap();
            forever::<()>().await
        });
        assert!(moved.await.is_err());
        mover.await.unwrap();
    });
}

#[test]
fn to_16_reschedule_before_the_start_and_after_the_end_is_refused() {
    // Our rule: the handle is there before the start, so that it can be given away, and says `NotStarted`.
    on_both(|| async {
        let mut handle = None;
        let guarded = deadline(LONG, |deadline| {
            assert_eq!(deadline.reschedule(Instant::now()), Err(RescheduleError::NotStarted));
            handle = Some(deadline);
            async { yield_now().await }
        });
        let handle = handle.unwrap();
        assert_eq!(handle.reschedule(None), Err(RescheduleError::NotStarted));
        guarded.await.unwrap();
        assert_eq!(handle.reschedule(Instant::now() + LONG), Err(RescheduleError::Finished));
        assert_eq!(handle.at(), None);
    });
}

#[test]
fn to_16_reschedule_during_and_after_the_expiry_is_refused() {
    struct Late(Arc<Mutex<Vec<Option<RescheduleError>>>>, DeadlineHandle);
    impl Drop for Late {
        fn drop(&mut self) {
            self.0.lock().unwrap().push(self.1.reschedule(None).err());
        }
    }

    timed(|scale| async move {
        let refused = Arc::new(Mutex::new(Vec::new()));
        let mut handle = None;
        let expired = deadline(scale.units(1), |deadline| {
            let late = Late(refused.clone(), deadline.clone());
            handle = Some(deadline.clone());
            let refused = refused.clone();
            async move {
                let _late = late;
                cancelled().await;
                refused.lock().unwrap().push(deadline.reschedule(Instant::now() + LONG).err());
                forever::<()>().await
            }
        });
        assert!(expired.grace(scale.units(1)).await.is_err());
        refused.lock().unwrap().push(handle.unwrap().reschedule(None).err());
        // In the grace, in a destructor, after the end.
        assert_eq!(*refused.lock().unwrap(), [Some(RescheduleError::Expired); 3]);
    });
}

#[test]
fn to_17_debug_shows_the_state() {
    timed(|scale| async move {
        let hold = Arc::new(Mutex::new(None));
        let keep = hold.clone();
        let mut guarded = Box::pin(
            deadline(scale.units(2), move |deadline| async move {
                *keep.lock().unwrap() = Some(Scope::current().hold("the end"));
                yield_now().await;
                deadline.reschedule(None).unwrap();
                yield_now().await;
                deadline.reschedule(Instant::now()).unwrap();
                forever::<()>().await
            })
            .named("page 7"),
        );
        let mut seen = vec![format!("{guarded:?}")];
        for _ in 0..3 {
            tokio::select! { biased; _ = &mut guarded => unreachable!("it is held"), () = async {} => {} }
            seen.push(format!("{guarded:?}"));
        }
        sleep(scale.units(1)).await; // A timer for this moment may take one more millisecond.
        tokio::select! { biased; _ = &mut guarded => unreachable!("it is held"), () = async {} => {} }
        seen[3] = format!("{guarded:?}");
        drop(hold.lock().unwrap().take());
        assert!(guarded.as_mut().await.is_err());
        seen.push(format!("{guarded:?}"));
        let words = ["not started", "active, ", "active, without end", "expired", "finished"];
        for (text, word) in seen.iter().zip(words) {
            assert!(text.contains(word) && text.contains("page 7"), "not {word}: {text}");
        }
    });
}

#[test]
fn to_17_debug_of_the_handle_shows_the_state() {
    on_both(|| async {
        let mut handle = None;
        let mut guarded = Polled::new(deadline(LONG, |deadline| {
            handle = Some(deadline);
            yield_now()
        }));
        let handle = handle.unwrap();
        assert_eq!(format!("{handle:?}"), "DeadlineHandle(None)");
        guarded.assert_pending();
        assert!(format!("{handle:?}").starts_with("DeadlineHandle(Active("));
        guarded.assert_ready().unwrap();
        assert_eq!(format!("{handle:?}"), "DeadlineHandle(Finished)");
        assert!(format!("{:?}", timeout(Duration::ZERO, async {})).contains("not started"));
    });
}

//! One call: from boarding to landing, or to leaving in between.

use std::{
    any::Any,
    fmt,
    future::poll_fn,
    hash::Hash,
    mem,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::task::coop;

use super::{Flight, Landing, SingleFlight};
use crate::{
    inspected::{Holding, Waiting},
    keyed::{Slot, hash_of},
    primitive::lock,
    wait_list::{Batch, Place, hush, wake_all_then_drop},
};

pub(super) struct Call<'a, K, T> {
    flights: &'a SingleFlight<K, T>,
    /// A leader's key is in the map.
    key: Option<K>,
    part: Part<T>,
    waiting: Waiting,
}

/// How far one call has come.
enum Part<T> {
    Unasked,
    Follows(Seat<T>, Place),
    Leads(Seat<T>, Holding),
    /// It has only to take the value.
    Landed(Seat<T>),
    Over,
}

struct Seat<T> {
    slot: Slot,
    flight: Arc<Flight<T>>,
}

/// What a call has to do itself.
pub(super) enum Role {
    Leads,
    Landed,
}

type Payload = Box<dyn Any + Send>;

impl<'a, K, T> Call<'a, K, T> {
    pub(super) fn new(flights: &'a SingleFlight<K, T>, key: K) -> Self {
        Self { flights, key: Some(key), part: Part::Unasked, waiting: flights.resource.waiting() }
    }
}

impl<K: Eq + Hash + fmt::Debug, T: Clone> Call<'_, K, T> {
    /// Begins a flight, or waits until that of the key has landed or needs a leader.
    pub(super) async fn board(&mut self) -> Role {
        poll_fn(|cx| {
            let Self { flights, key, part, waiting } = self;
            waiting.poll(cx, |cx| {
                let coop = ready!(coop::poll_proceed(cx));
                let role = ready!(part.poll(flights, key, cx));
                coop.made_progress();
                Poll::Ready(role)
            })
        })
        .await
    }

    /// Ends the flight, as its leader.
    pub(super) fn land(&mut self, outcome: Result<T, Payload>) -> T {
        let Part::Leads(Seat { slot, flight }, _holding) = mem::replace(&mut self.part, Part::Over) else {
            unreachable!("only a leader lands");
        };
        // Nobody boards from here on. The key is dropped after the lock, and after the followers have been told: its destructor may panic.
        let key = lock(&self.flights.flights).remove(slot);
        let is_followed = !lock(&flight.followers).is_empty();
        match outcome {
            Ok(value) if is_followed => {
                flight.land(Landing::Value(value));
                self.part = Part::Landed(Seat { slot, flight });
                drop(key);
                self.landed()
            }
            Ok(value) => {
                drop(key);
                value
            }
            Err(payload) => {
                if is_followed {
                    flight.land(Landing::Panicked(text_of(&payload)));
                }
                hush(|| drop(key));
                resume_unwind(payload)
            }
        }
    }

    /// Takes the value, as a follower.
    pub(super) fn landed(&mut self) -> T {
        let Part::Landed(Seat { flight, .. }) = mem::replace(&mut self.part, Part::Over) else {
            unreachable!("the role was to take the value");
        };
        match flight.landing.get() {
            Some(Landing::Value(value)) => value.clone(),
            Some(Landing::Panicked(text)) => {
                let key = self.key.as_ref().expect("the keys of leaders only are in the map");
                panic!("the call that did the work of key {key:?} for this one panicked: {text}")
            }
            None => unreachable!("followers are granted after the landing"),
        }
    }
}

impl<T> Part<T> {
    fn poll<K: Eq + Hash>(
        &mut self,
        flights: &SingleFlight<K, T>,
        key: &mut Option<K>,
        cx: &mut Context<'_>,
    ) -> Poll<Role> {
        match self {
            Part::Unasked => self.ask(flights, key, cx),
            Part::Follows(Seat { flight, .. }, place) => {
                // Dropped after the lock.
                let _replaced;
                let mut followers = lock(&flight.followers);
                if !followers.is_granted(place) {
                    _replaced = followers.update(place, cx.waker());
                    return Poll::Pending;
                }
                drop(followers);
                let Part::Follows(seat, place) = mem::replace(self, Part::Over) else {
                    unreachable!("it has just been seen");
                };
                lock(&seat.flight.followers).leave(place);
                if seat.flight.landing.get().is_some() {
                    *self = Part::Landed(seat);
                    Poll::Ready(Role::Landed)
                } else {
                    *self = Part::Leads(seat, flights.resource.hold());
                    Poll::Ready(Role::Leads)
                }
            }
            Part::Leads(..) | Part::Landed(_) | Part::Over => unreachable!("a call boards once"),
        }
    }

    fn ask<K: Eq + Hash>(
        &mut self,
        flights: &SingleFlight<K, T>,
        key: &mut Option<K>,
        cx: &mut Context<'_>,
    ) -> Poll<Role> {
        let Some(own) = &*key else { unreachable!("a call that has not asked has its key") };
        let hash = hash_of(own);
        let mut map = lock(&flights.flights);
        let found = map.find(hash, own).and_then(|slot| Some((slot, Arc::clone(map.get(slot)?))));
        if let Some((slot, flight)) = found {
            let place = lock(&flight.followers).join(cx.waker(), ());
            *self = Part::Follows(Seat { slot, flight }, place);
            return Poll::Pending;
        }
        if let Some(own) = key.take() {
            let flight = Arc::new(Flight::new());
            let slot = map.insert(hash, own, Arc::clone(&flight));
            *self = Part::Leads(Seat { slot, flight }, flights.resource.hold());
        }
        Poll::Ready(Role::Leads)
    }
}

impl<T> Flight<T> {
    /// Wakes everybody in line; nobody joins it any more. A waker that panics takes nothing from the leader, which has a result to come home with.
    fn land(&self, landing: Landing<T>) {
        // It is the first: a flight has one leader, and a leader lands once.
        _ = self.landing.set(landing);
        let mut batch = Batch::default();
        while batch.fill({
            let mut followers = lock(&self.followers);
            move || followers.grant_first()
        }) {
            batch.wake();
        }
        hush(|| batch.finish());
    }
}

impl<K, T> SingleFlight<K, T> {
    /// Goes away as a leader that has not landed (invariant 3).
    fn hand_over(&self, seat: &Seat<T>) {
        let (next, abandoned) = {
            let mut map = lock(&self.flights);
            let next = lock(&seat.flight.followers).grant_first();
            let abandoned = if next.is_none() { map.remove(seat.slot) } else { None };
            (next, abandoned)
        };
        wake_all_then_drop(next, abandoned);
    }
}

impl<K, T> Drop for Call<'_, K, T> {
    fn drop(&mut self) {
        match mem::replace(&mut self.part, Part::Over) {
            Part::Leads(seat, _) => self.flights.hand_over(&seat),
            Part::Follows(seat, place) => {
                let waker = lock(&seat.flight.followers).leave(place);
                if waker.is_none() && seat.flight.landing.get().is_none() {
                    self.flights.hand_over(&seat);
                }
            }
            Part::Unasked | Part::Landed(_) | Part::Over => {}
        }
    }
}

/// Runs the work to its end, and drops what is left of it.
pub(super) async fn caught<T>(work: impl AsyncFnOnce() -> T) -> Result<T, Payload> {
    // The call itself may panic too, so it is made inside.
    let mut running = pin!(async move { work().await });
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(cx))) {
        Ok(poll) => poll.map(Ok),
        Err(payload) => Poll::Ready(Err(payload)),
    })
    .await
}

fn text_of(payload: &Payload) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("not with a text").to_owned()
}

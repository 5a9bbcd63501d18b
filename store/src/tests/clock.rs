//! A clock that is set right.

use chrono::Duration;
use vigie_domain::delivery::Settlement;

use super::{Empty, at, enqueue_at, person};
use crate::Store;
use crate::claim::Claim;

/// A clock that ran ahead for a moment, by days or by years: nothing waits until then.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_clock_that_ran_ahead_put_off_goes_on() {
    for ahead in [Duration::days(2), Duration::days(450)] {
        for empty in Empty::each() {
            let store = Store::open(&empty.url).await.unwrap();
            let address = person(&store, "p").await;
            let claim = |token: &'static str| Claim {
                lease_holder: "one",
                token,
                limit: 10,
                lease: Duration::minutes(5),
                domain_gap: Duration::minutes(5),
            };
            let future = at(0) + ahead;
            // While it runs ahead: one message goes, one fails and waits, one is taken by a process that ends; leases, chores.
            for alert in ["a", "b", "c"] {
                enqueue_at(&store, "p", &address, alert, future).await;
            }
            let taken = store.claim(&claim("t1"), future).await.unwrap();
            assert_eq!(taken.len(), 1);
            let retry = future + Duration::hours(4);
            store.settle(&taken[0], &Settlement::Deferred(retry, "451".into()), retry, future).await.unwrap();
            assert!(store.hold_lease("timetable", "gone", Duration::seconds(90), future).await.unwrap());
            assert!(store.take_chore("daily", Duration::days(1), future).await.unwrap());
            // It is set right.
            enqueue_at(&store, "p", &address, "d", at(1)).await;
            assert!(store.claim(&claim("t2"), at(2)).await.unwrap().is_empty(), "all wait for the future");
            assert!(store.hold_lease("timetable", "new", Duration::seconds(90), at(2)).await.unwrap());
            assert!(store.bring_back(at(2)).await.unwrap() > 0);
            let mut sent = 0;
            for minute in 2..600 {
                for delivery in store.claim(&claim("t3"), at(minute)).await.unwrap() {
                    store.settle(&delivery, &Settlement::Sent("250".into()), at(minute), at(minute)).await.unwrap();
                    sent += 1;
                }
            }
            assert_eq!(sent, 4, "{ahead}");
            assert!(store.take_chore("daily", Duration::days(1), at(3000)).await.unwrap());
            assert_eq!(store.bring_back(at(3000)).await.unwrap(), 0, "nothing more to bring back");
            store.close().await;
        }
    }
}

use super::*;

fn at(hour: u32) -> DateTime<Utc> {
    chrono::TimeZone::with_ymd_and_hms(&Utc, 2027, 1, 12, hour, 0, 0).unwrap()
}

fn refused(retry_after: Option<chrono::Duration>) -> Outcome {
    Outcome::Transient { why: "451".into(), retry_after }
}

#[test]
fn the_wait_a_channel_asks_for_is_obeyed() {
    let settled = settle(refused(Some(chrono::Duration::hours(3))), &RetryPolicy::email(), 1, 0, at(8), None, at(8));
    assert_eq!(settled, Settlement::Deferred(at(11), "451".into()));
}

#[test]
fn a_short_wait_is_obeyed_too_however_often_it_was_asked() {
    let wait = chrono::Duration::seconds(7);
    let settled = settle(refused(Some(wait)), &RetryPolicy::telegram(), 9, 0, at(8), None, at(8));
    assert_eq!(settled, Settlement::Deferred(at(8) + wait, "451".into()));
    let settled = settle(refused(Some(chrono::Duration::zero())), &RetryPolicy::telegram(), 9, 0, at(8), None, at(8));
    assert_eq!(settled, Settlement::Deferred(at(8) + LEAST_GAP, "451".into()));
}

#[test]
fn retries_end_at_the_deadline_of_the_tender() {
    let settled = settle(refused(None), &RetryPolicy::email(), 7, 0, at(8), Some(at(9)), at(8));
    assert!(matches!(settled, Settlement::Dead(_)), "{settled:?}");
}

#[test]
fn a_lost_answer_is_recorded_as_ambiguous() {
    let settled = settle(Outcome::Unknown("coupure".into()), &RetryPolicy::email(), 1, 0, at(8), None, at(8));
    assert!(matches!(settled, Settlement::Ambiguous(..)), "{settled:?}");
}

/// C1: thirty-six copies of one message over five days, then "dead".
#[test]
fn a_doubt_that_repeats_is_settled_after_the_second_time() {
    for policy in [RetryPolicy::email(), RetryPolicy::telegram(), RetryPolicy::console()] {
        let lost = |same_doubts| settle(Outcome::Unknown("x".into()), &policy, 2, same_doubts, at(8), None, at(8));
        assert!(matches!(lost(0), Settlement::Ambiguous(..)));
        assert!(matches!(lost(1), Settlement::Sent(why) if why.starts_with(PRESUMED)));
    }
    // A repeated message arrives once there, for a while.
    let matrix = |n| settle(Outcome::Unknown("x".into()), &RetryPolicy::matrix(), 9, n, at(8), None, at(8));
    assert!(matches!(matrix(2), Settlement::Ambiguous(..)) && matches!(matrix(3), Settlement::Sent(_)));
    assert!(is_same_doubt("connexion perdue : 127.0.0.1:4021", "connexion perdue : 127.0.0.1:50133"));
    assert!(!is_same_doubt("connexion perdue", "pas de réponse en 600 s"));
}

#[test]
fn an_outage_makes_no_message_wait_longer() {
    for attempts in [1, 50] {
        let settled =
            settle(Outcome::Unreachable("refusé".into()), &RetryPolicy::email(), attempts, 0, at(8), None, at(9));
        assert_eq!(settled, Settlement::Deferred(at(9) + OUTAGE_GAP, "refusé".into()));
    }
}

#[test]
fn mails_to_one_domain_share_a_pace_when_asked() {
    let gap = chrono::Duration::milliseconds(200);
    assert_eq!(Pace::of(Channel::Email, "a@Grand.FR", gap).shared, [("email:grand.fr".to_owned(), gap)]);
    assert!(Pace::of(Channel::Email, "a@grand.fr", chrono::Duration::zero()).shared.is_empty());
}

#[test]
fn a_cause_is_read_back_from_its_words() {
    let causes = [
        Cause::Alert("0a1b".into()),
        Cause::Digest { due: at(8), number: 2 },
        Cause::OptIn(at(9)),
        Cause::SignIn("ff".into()),
    ];
    for cause in causes {
        assert_eq!(cause.to_string().parse(), Ok(cause));
    }
    for words in ["", "digest:", "digest:12", "digest:x:0", "optin:", "signin:", "other:1"] {
        assert_eq!(words.parse::<Cause>(), Err(UnknownCause(words.to_owned())), "{words}");
    }
}

#[test]
fn gaps_grow_and_then_stay() {
    let policy = RetryPolicy::email();
    assert!(policy.gap(1) < policy.gap(4));
    assert_eq!(policy.gap(7), policy.gap(700));
}

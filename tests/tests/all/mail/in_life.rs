//! The whole way through Postfix and Dovecot, as in life.

use super::*;

/// Waits for what a mail server does.
async fn arrives<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let began = std::time::Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < std::time::Duration::from_secs(30), "it never came: {what}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journey_through_postfix_and_dovecot_as_in_life() {
    const JEANNE: &str = "jeanne@structure.example";
    let Some(mut bench) = Bench::new(true) else { return };
    let maildir = bench.imap.as_ref().unwrap().maildir();
    let Some(postfix) = Postfix::start(DOMAIN, &maildir, &[JEANNE]) else { return };
    bench.through = Some(postfix.port);
    let t = |hour: i64| at("2026-11-24T06:00") + Duration::hours(hour);
    let nth = |n: usize| {
        let postfix = &postfix;
        async move { arrives("a mail", || postfix.mails(JEANNE).get(n).map(|m| Mail::read(m))).await }
    };
    let back = |n: usize| {
        let folder = maildir.clone();
        async move {
            let there = |name: &str| std::fs::read_dir(folder.join(name)).map_or(0, Iterator::count);
            arrives("what comes back", || (there("new") + there("cur") == n).then_some(())).await;
        }
    };
    let answer = |mail: &Mail, words: &str| {
        let to = mail.header("reply-to").split('<').nth(1).unwrap().trim_end_matches('>').to_owned();
        let id = mail.header("message-id");
        let text = format!("From: Jeanne <{JEANNE}>\nTo: {to}\nSubject: Re: x\nIn-Reply-To: {id}\n\n{words}\n");
        postfix.send(JEANNE, &to, &text).unwrap();
    };

    // Asked, she agrees by an answer.
    bench.person(t(0), "jeanne", JEANNE, AddressState::Unconfirmed).await;
    bench.ask(t(0), "jeanne").await;
    bench.look(t(0)).await;
    let asked = nth(0).await;
    assert!(asked.header("return-path").starts_with("<retours+"), "{asked:?}");
    answer(&asked, "oui");
    back(1).await;
    assert_eq!(bench.read(t(1)).await, 1);
    assert_eq!(bench.state(t(1), "jeanne").await, AddressState::Active);
    nth(1).await;

    // An alert to her, and to someone whose mailbox is no more; the correction in the thread.
    bench.person(t(1), "absent", "absent@structure.example", AddressState::Active).await;
    bench.publish(t(2), &call("1", "2026-12-15T11:00")).await;
    let alert = nth(2).await;
    bench.publish(t(3), &call("1", "2026-12-20T11:00")).await;
    let correction = nth(3).await;
    assert_eq!(correction.header("in-reply-to"), alert.header("message-id"));
    assert_eq!(alert.whole["defects"], serde_json::json!([]), "{alert:?}");

    // Postfix took both mails to the absent one, and reports that it could not deliver them.
    back(3).await;
    assert_eq!(bench.state(t(3), "absent").await, AddressState::Active);
    assert_eq!(bench.read(t(4)).await, 2);
    assert_eq!(bench.state(t(4), "absent").await, AddressState::Suspended);

    // Opening the page of unsubscription changes nothing; « non » decides; « stop » stops.
    let page = alert.header("list-unsubscribe").split(['<', '>']).nth(1).unwrap().to_owned();
    assert_eq!(bench.http(t(5), "GET", &page).await.0, 200);
    assert_eq!(bench.state(t(5), "jeanne").await, AddressState::Active);
    answer(&alert, "Non, trop loin pour nous.");
    back(4).await;
    assert_eq!(bench.read(t(6)).await, 1);
    assert_eq!(bench.decision(t(6), "jeanne", "1").await, Some(Stage::NoGo));
    nth(4).await;
    answer(&correction, "stop");
    back(5).await;
    assert_eq!(bench.read(t(7)).await, 1);
    assert_eq!(bench.state(t(7), "jeanne").await, AddressState::Stopped);
}

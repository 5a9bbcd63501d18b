//! When people are told: quiet first polls, digests, reminders.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_baseline_tells_nothing_and_what_follows_is_told() {
    let Some(smtp) = Smtp::start(&[]) else { return };
    let (double, api) =
        replay(vec![national("26-800", "2026-11-20", "Nettoyage des écoles", "", "2027-01-12T12:00:00")]).await;
    let bench = Bench::new(None, &api, Some(smtp.port), "");
    let config =
        std::fs::read_to_string(bench.config()).unwrap().replace("baseline = \"deliver\"", "baseline = \"quiet\"");
    std::fs::write(bench.config(), config).unwrap();
    bench.run(&CLEANING);
    bench.pass();
    assert!(smtp.mails().is_empty());
    assert!(
        bench
            .text(&["why", "--notice", "26-800", "--subscriber", "atelier@structure.example"])
            .contains("avant le début de la veille")
    );
    double.with(|s| {
        s.records.push(national("26-801", "2026-11-21", "Nettoyage de la mairie", "", "2027-01-12T12:00:00"))
    });
    bench.pass();
    assert_eq!(smtp.mails().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daily_digest_carries_the_day_in_one_mail() {
    let Some(smtp) = Smtp::start(&[]) else { return };
    let records = (0..3)
        .map(|n| {
            national(
                &format!("26-{}", 900 + n),
                "2026-11-20",
                &format!("Nettoyage du site {n}"),
                "",
                "2027-01-12T12:00:00",
            )
        })
        .collect();
    let (_double, api) = replay(records).await;
    let bench = Bench::new(None, &api, Some(smtp.port), "");
    bench.run(&[&CLEANING[..], &["--cadence", "daily"]].concat());
    bench.pass();
    assert!(smtp.mails().is_empty(), "not before its hour");
    for now in ["2026-11-22T08:00:30+01:00", "2026-11-22T08:10:00+01:00"] {
        let out = bench.command(&["run", "--once", "--role", "deliver"]).env("VIGIE_NOW", now).output().unwrap();
        assert!(out.status.success());
    }
    let mails = smtp.mails();
    assert_eq!(mails.len(), 1);
    let text = parsed(&mails)[0].body_text(0).unwrap().into_owned();
    assert!((0..3).all(|n| text.contains(&format!("Nettoyage du site {n}"))), "{text}");
}

/// An hour set by the command line left what waited at the hour before.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_digest_follows_the_hour_that_a_command_sets() {
    let Some(smtp) = Smtp::start(&[]) else { return };
    let one = national("26-950", "2026-11-20", "Nettoyage du gymnase", "", "2027-01-12T12:00:00");
    let (_double, api) = replay(vec![one]).await;
    let bench = Bench::new(None, &api, Some(smtp.port), "");
    bench.run(&[&CLEANING[..], &["--cadence", "daily"]].concat());
    bench.pass();
    bench.run(&["subscriptions", "rhythm", "atelier@structure.example", "--digest-hour", "11"]);
    let at = |now: &str| {
        let args = ["run", "--once", "--role", "deliver"];
        assert!(bench.command(&args).env("VIGIE_NOW", now).output().unwrap().status.success());
        smtp.mails().len()
    };
    assert_eq!(at("2026-11-21T10:59:00+01:00"), 0);
    assert_eq!(at("2026-11-21T11:00:30+01:00"), 1, "not the next day at the hour before");
}

/// The rhythm proposed to structures: what is reserved comes at once, the rest in the digest; at night nothing comes.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_reserved_comes_at_once_and_the_rest_with_the_digest() {
    let Some(smtp) = Smtp::start(&[]) else { return };
    let reserved = "Marché réservé aux entreprises adaptées et aux ESAT (article L. 2113-12).";
    let mut open = national("26-1002", "2026-11-20", "Nettoyage des bureaux", "", "2027-01-12T12:00:00");
    open["donnees"] =
        open["donnees"].as_str().unwrap().replace("\"reservationMarche\":{\"oui\":\"\"}", "\"lots\":{}").into();
    let records =
        vec![national("26-1001", "2026-11-20", "Nettoyage des écoles", reserved, "2027-01-12T12:00:00"), open];
    let (double, api) = replay(records).await;
    let bench = Bench::new(None, &api, Some(smtp.port), "");
    bench.run(&[&CLEANING[..], &["--cadence", "auto", "--kind", "EA"]].concat());
    bench.run(&["subscriptions", "rhythm", "atelier@structure.example", "--digest-hour", "9", "--quiet", "20-7"]);
    bench.pass();
    let subjects = |mails: &[Vec<u8>]| -> Vec<String> {
        parsed(mails).iter().map(|m| m.subject().unwrap_or_default().to_owned()).collect()
    };
    let at_once = subjects(&smtp.mails());
    assert!(at_once.len() == 1 && at_once[0].contains("Nettoyage des écoles"), "{at_once:?}");
    double.with(|s| {
        s.records.push(national("26-1003", "2026-11-21", "Nettoyage du musée", reserved, "2027-01-12T12:00:00"));
    });
    let at = |now: &str| {
        let args = ["run", "--once", "--force-poll", "--role", "watch,deliver"];
        assert!(bench.command(&args).env("VIGIE_NOW", now).output().unwrap().status.success());
        smtp.mails().len()
    };
    assert_eq!(at("2026-11-21T23:00:00+01:00"), 1, "quiet hours");
    assert_eq!(at("2026-11-22T07:00:00+01:00"), 2, "what came at night");
    assert_eq!(at("2026-11-22T08:00:30+01:00"), 2, "not before the person's own hour");
    assert_eq!(at("2026-11-22T09:00:30+01:00"), 3, "the digest");
    let mails = smtp.mails();
    let texts: Vec<String> = parsed(&mails).iter().map(|m| m.body_text(0).unwrap().into_owned()).collect();
    assert!(texts[1].contains("heures de silence") && texts[1].contains("Nettoyage du musée"), "{}", texts[1]);
    assert!(texts[2].contains("Nettoyage des bureaux") && !texts[2].contains("musée"), "{}", texts[2]);
}

/// A structure that goes for a procedure is reminded of its closing in the thread of the alert, once a date, until it says no.
#[tokio::test(flavor = "multi_thread")]
async fn who_goes_is_reminded_and_who_says_no_is_not() {
    let Some(smtp) = Smtp::start(&[]) else { return };
    let first = national("26-1201", "2026-11-20", "Nettoyage des écoles", "", "2027-01-12T12:00:00");
    let (_double, api) = replay(vec![first]).await;
    let bench = Bench::new(None, &api, Some(smtp.port), "");
    bench.run(&CLEANING);
    bench.pass();
    let store = Store::open(&format!("sqlite:{}", bench.dir.path().join("v.sqlite").display())).await.unwrap();
    let person = store.find_subscribers("atelier@structure.example").await.unwrap().remove(0);
    let procedure = store.notice("26-1201").await.unwrap().unwrap().procedure;
    let decide = |stage, now: &str| {
        let at = chrono::DateTime::parse_from_rfc3339(now).unwrap().with_timezone(&chrono::Utc);
        Decision::new(person.structure(), &procedure, stage, "Ana", at)
    };
    let at = |now: &str| {
        let args = ["run", "--once", "--role", "deliver"];
        assert!(bench.command(&args).env("VIGIE_NOW", now).output().unwrap().status.success());
        smtp.mails().len()
    };
    assert_eq!(at("2026-12-28T09:00:00+01:00"), 2, "a month without news is told, and no reminder before a decision");
    assert!(store.decide(&decide(Stage::Go, "2026-12-29T10:00:00+01:00")).await.unwrap().changed);
    assert_eq!(at("2027-01-05T07:59:00+01:00"), 2);
    assert_eq!(at("2027-01-05T08:00:30+01:00"), 3, "seven days before");
    assert_eq!(at("2027-01-05T09:00:00+01:00"), 3, "once");
    store.decide(&decide(Stage::NoGo, "2027-01-06T10:00:00+01:00")).await.unwrap();
    assert_eq!(at("2027-01-11T08:00:30+01:00"), 3, "they said no");
    let mails = smtp.mails();
    let [alert, watching, reminder] = &parsed(&mails)[..] else { panic!("three mails") };
    assert_eq!(watching.subject(), Some("Vigie veille toujours pour vous"));
    assert!(reminder.subject().unwrap().starts_with("Rappel – Nettoyage des écoles"), "{:?}", reminder.subject());
    assert!(
        reminder
            .body_text(0)
            .unwrap()
            .contains("Offre à remettre\u{a0}: mardi 12 janvier 2027 à 12\u{a0}h (dans 7\u{a0}jours)")
    );
    assert_eq!(reminder.in_reply_to().as_text(), alert.message_id(), "in the thread of the alert");
    store.close().await;
}

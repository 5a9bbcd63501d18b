//! Too broad, too narrow; and what refusals teach: asked first, reversible, never hiding anything.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{Duration, NaiveDate};
use serde_json::Value;
use vigie_config::rules;
use vigie_domain::delivery::DeliveryState;
use vigie_domain::subscription::Candidate;
use vigie_domain::taste::{self, Verdict};
use vigie_domain::{Disposition, Notice, NoticeKind, Refusal, Stage, Subscription};
use vigie_notifier::due::DigestTimes;
use vigie_service::breadth::{self, Breadth, monthly};
use vigie_service::decisions::{self, Asker, DecisionEdit, Seen};
use vigie_service::ingest::plan::{self, Planner};
use vigie_service::ingest::stored::{People, Stored};
use vigie_service::ingest::{Audience, content_hash};
use vigie_service::{preview, questions};
use vigie_store::audience::Person;
use vigie_store::people::Address;
use vigie_store::taste::TasteState;
use vigie_tests::shared;
use vigie_watcher::classify;

use super::*;

/// A call for a trade, in a département, first seen `days` before [`now`].
async fn seen(pages: &Pages, id: &str, title: &str, department: &str, days: i64) -> String {
    let at = now() - Duration::days(days);
    let mut notice = Notice::new("boamp", id, NoticeKind::Call);
    notice.title = title.to_owned();
    notice.departments.extend(Department::parse(department));
    notice.published = Some(at.date_naive());
    pages.app.service.clock.set(at);
    let procedure = pages.take(&notice).await.unwrap();
    pages.app.service.clock.set(now());
    procedure
}

/// Forty calls over ten days: four a day, half of them in the Nord.
async fn many(pages: &Pages) {
    for n in 0..40_i64 {
        let department = if n % 2 == 0 { "59" } else { "62" };
        seen(pages, &format!("26-{n}"), &format!("Blanchisserie du collège {n}"), department, 10 - n / 4).await;
    }
}

fn laundry(departments: &[&str]) -> Filter {
    let departments = departments.iter().filter_map(|d| Department::parse(d)).collect();
    Filter { sectors: vec!["blanchisserie".into()], departments, ..Filter::default() }
}

#[tokio::test]
async fn what_gives_too_much_is_said_before_it_is_kept_with_the_cuts_that_help_and_blocks_nobody() {
    let pages = Pages::start(now(), "").await.unwrap();
    person(&pages, "ana", "Ana").await;
    many(&pages).await;
    let ana = pages.signed_in("ana").await.unwrap();
    let asked = [("secteur", "blanchisserie"), ("departement", "59"), ("departement", "62"), ("rythme", "instant")];
    let with = |what: (&'static str, &'static str)| [&asked[..], &[what]].concat();
    let page = ana.post_form("/abonnements/nouveau", &with(("do", "garder"))).await.unwrap();
    assert_eq!(page.status, 200);
    let question = typeset("Cet abonnement donnerait 28 alertes par semaine : resserrer ?");
    assert!(page.body.contains(&question) && page.body.contains("Enregistrer quand même"), "{}", page.body);
    let way = page.body.split("name=\"voie\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let way = way.replace("&quot;", "\"").replace("&#x2f;", "/");
    let cut: Filter = serde_json::from_str(&way).unwrap();
    assert_ne!(cut, laundry(&["59", "62"]));
    let narrower =
        ana.post_form("/abonnements/nouveau", &[("voie", way.as_str()), ("rythme", "instant")]).await.unwrap();
    assert!(narrower.status == 200 && !narrower.body.contains(&question), "{}", narrower.body);
    assert!(pages.app.service.store.subscriptions_of("ana").await.unwrap().is_empty(), "nothing is kept by looking");
    let kept = ana.post_form("/abonnements/nouveau", &with(("do", "quand-meme"))).await.unwrap();
    assert_eq!(kept.status, 303, "{}", kept.body);
    // What stands was read once: a name is not asked about.
    let id = pages.app.service.store.subscriptions_of("ana").await.unwrap().remove(0).id;
    let named = [&asked[..], &[("nom", "Linge"), ("do", "garder")]].concat();
    let named = ana.post_form(&format!("/abonnements/{id}"), &named).await.unwrap();
    assert_eq!(named.status, 303, "{}", named.body);
    // What a change would lose is said with it.
    let fewer = [("secteur", "blanchisserie"), ("departement", "59"), ("rythme", "instant"), ("do", "essai")];
    let tried = ana.post_form(&format!("/abonnements/{id}"), &fewer).await.unwrap();
    assert!(tried.body.contains("n’aurait plus signalé 20 marchés"), "{}", tried.body);
    // The same in a chat: the change is a button, and so is keeping it all the same.
    let said = says(&pages, "ana", Channel::Telegram, "/changer 1").await;
    assert!(said.contains(&question) && said.contains("Enregistrer quand même"), "{said}");
    let replies = hears(&pages, "ana", Channel::Telegram, text("Rythme", None)).await;
    assert!(!datas(&replies).iter().any(|d| d.contains("voie")), "one question at a time");
    hears(&pages, "ana", Channel::Telegram, text("retour", None)).await;
    let changed = presses(&pages, "ana", Channel::Telegram, "=confirm:voie 1").await;
    assert!(!changed.contains(&question), "{changed}");
    says(&pages, "ana", Channel::Telegram, "enregistrer").await;
    assert_eq!(pages.app.service.store.subscriptions_of("ana").await.unwrap().remove(0).filter, cut);
}

/// Whoever signs up is asked the same before they leave an address: two links, each to the example of what it would be.
#[tokio::test]
async fn what_gives_too_much_is_said_to_who_signs_up() {
    let open = "[sign_up]\nmode = \"open\"\n[email]\nhost = \"127.0.0.1\"\nport = 9\ntls = \"none\"\nfrom = \"Vigie <vigie@vigie.example>\"\n";
    let pages = Pages::start(now(), open).await.unwrap();
    many(&pages).await;
    let stranger = pages.stranger().unwrap();
    let wish = "qui=structure&sorte=EA&secteur=blanchisserie&departement=59&departement=62&rythme=instant";
    let page = stranger.get(&format!("/inscription?etape=exemple&{wish}")).await.unwrap().body;
    let question = typeset("Cet abonnement donnerait 28 alertes par semaine : resserrer ?");
    assert!(page.contains(&question), "{page}");
    let way = page.split("<li><a href=\"/inscription?").nth(1).unwrap().split('"').next().unwrap();
    let narrower = stranger.get(&format!("/inscription?{}", way.replace("&amp;", "&"))).await.unwrap();
    assert!(narrower.status == 200 && !narrower.body.contains(&question), "{}", narrower.body);
    assert!(narrower.body.contains("name=\"sorte\" value=\"EA\""), "what was said before is kept: {}", narrower.body);
}

#[tokio::test]
async fn once_a_month_it_is_said_of_what_stands_and_one_tap_changes_it_takes_it_back_or_ends_it() {
    let pages = Pages::start(now(), "").await.unwrap();
    let service = &pages.app.service;
    person(&pages, "ana", "Ana").await;
    person(&pages, "rival", "Rival").await;
    many(&pages).await;
    let start = now() - Duration::days(62);
    seen(&pages, "old", "Blanchisserie de l’hospice", "59", 58).await;
    let broad = service.store.put_subscription("ana", &laundry(&["59", "62"]), Cadence::Daily, start).await.unwrap();
    service.store.put_subscription("rival", &laundry(&["06"]), Cadence::Daily, start).await.unwrap();
    // Over sixty days it is fewer a week: told of what is asked for is the rate of these days.
    assert_eq!(monthly::run(service, now()).await.unwrap(), 1, "the one that gives nothing, and could");
    let waiting =
        questions::waiting(service, &service.store.subscriber("rival").await.unwrap().unwrap()).await.unwrap();
    let question = &waiting[0];
    assert!(question.title.starts_with("Rien depuis") && question.choices.len() >= 3, "{question:?}");
    assert_eq!(monthly::run(service, now() + Duration::hours(2)).await.unwrap(), 0, "once");
    let before = service.store.subscriptions_of("rival").await.unwrap().remove(0).filter;
    // Nobody else answers it, by whatever road.
    let ana = pages.signed_in("ana").await.unwrap();
    let path = format!("/reglages/propositions/{}", question.id);
    assert_eq!(ana.get(&path).await.unwrap().status, 404);
    assert_eq!(ana.post_form(&path, &[("mot", "1")]).await.unwrap().status, 404);
    let theirs = service.question_url(&question.id, "ana", now()).unwrap();
    let stranger = pages.stranger().unwrap();
    assert_eq!(stranger.get(theirs.strip_prefix(&pages.base).unwrap()).await.unwrap().status, 404);
    let said = says(&pages, "ana", Channel::Telegram, &format!("/proposition {} 1", question.id)).await;
    assert!(said.contains("n’est pas la vôtre"), "{said}");
    // By the link of the mail: looking changes nothing, answering does, and the way back stands there.
    let link = service.question_url(&question.id, "rival", now()).unwrap();
    let link = link.strip_prefix(&pages.base).unwrap();
    let shown = stranger.get(&format!("{link}?mot=1")).await.unwrap();
    assert!(shown.status == 200 && shown.body.contains("Ne plus me le demander"), "{}", shown.body);
    assert_eq!(service.store.subscriptions_of("rival").await.unwrap().remove(0).filter, before);
    let done = stranger.post(link, &[("mot", "1")]).await.unwrap();
    assert!(done.status == 200 && done.body.contains("Vous recevez maintenant"), "{}", done.body);
    assert_ne!(service.store.subscriptions_of("rival").await.unwrap().remove(0).filter, before);
    let back = stranger.post(link, &[("mot", "revenir")]).await.unwrap();
    assert_eq!(back.status, 200, "{}", back.body);
    assert_eq!(service.store.subscriptions_of("rival").await.unwrap().remove(0).filter, before);
    assert_eq!(stranger.post(link, &[("mot", "n’importe quoi")]).await.unwrap().status, 400);
    stranger.post(link, &[("mot", "jamais")]).await.unwrap();
    assert!(stands(&pages, "rival").await.unadvised);
    service.clock.set(now() + Duration::days(40));
    assert_eq!(monthly::run(service, now() + Duration::days(40)).await.unwrap(), 0, "they said never again");
    assert_eq!(service.store.subscriptions_of("ana").await.unwrap().remove(0).id, broad);
}

/// Ana's structure is asked about its refusals, and she about a subscription that gives nothing: what pages of questions show.
pub(crate) async fn questions_wait() -> Pages {
    let pages = Pages::start(now(), "[pace]\ninstant_per_hour = 0\n").await.unwrap();
    let service = &pages.app.service;
    person(&pages, "ana", "Ana").await;
    many(&pages).await;
    seen(&pages, "old", "Blanchisserie de l’hospice", "59", 58).await;
    service.store.put_subscription("ana", &laundry(&["06"]), Cadence::Daily, now() - Duration::days(62)).await.unwrap();
    monthly::run(service, now()).await.unwrap();
    pages.subscription("ana", &laundry(&[])).await.unwrap();
    let home = seen(&pages, "home", "Blanchisserie du lycée", "62", 0).await;
    decide(&pages, "ana", &home, Stage::Go, None).await;
    for n in 0..5 {
        let procedure = seen(&pages, &format!("far-{n}"), &format!("Blanchisserie de la cité {n}"), "59", 0).await;
        decide(&pages, "ana", &procedure, Stage::NoGo, None).await;
    }
    let me = service.store.subscriber("ana").await.unwrap().unwrap();
    assert_eq!(questions::waiting(service, &me).await.unwrap().len(), 2, "one of each kind");
    pages
}

#[tokio::test]
async fn an_opening_is_what_was_counted() {
    let pages = Pages::start(now(), "").await.unwrap();
    person(&pages, "ana", "Ana").await;
    many(&pages).await;
    let me = pages.app.service.store.subscriber("ana").await.unwrap().unwrap();
    let filter = Filter { min_score: 99, ..laundry(&["59"]) };
    let seen = preview::preview(&pages.app.service, &filter, &me.profile, preview::DAYS).await.unwrap();
    let advice = breadth::advise(&pages.app.service, &me, &filter, &seen).await.unwrap().unwrap();
    assert_eq!(advice.breadth, Breadth::Narrow);
    assert_eq!(advice.ways[0].label, "Même les moins intéressants");
    assert_eq!(advice.ways[0].found, 20, "those of the Nord: {advice:?}");
    let fine = Filter { words: vec!["collège 7".into()], ..laundry(&[]) };
    let seen = preview::preview(&pages.app.service, &fine, &me.profile, preview::DAYS).await.unwrap();
    assert_eq!(breadth::advise(&pages.app.service, &me, &fine, &seen).await.unwrap(), None);
}

/// A person decides.
async fn decide(pages: &Pages, who: &str, procedure: &str, stage: Stage, reason: Option<Refusal>) {
    let person = pages.app.service.store.subscriber(who).await.unwrap().unwrap();
    let asker = Asker { person: &person, name: &person.name, procedure, lot: "", seen: Seen::Latest };
    let edit = DecisionEdit { stage: Some(stage), refusal: reason.map(Some), ..DecisionEdit::default() };
    decisions::decide(&pages.app.service, &asker, &edit).await.unwrap();
}

/// How a person heard of a notice, and why as they read it.
async fn heard(pages: &Pages, who: &str, procedure: &str) -> (Disposition, String) {
    let shares = pages.app.service.store.notifications(who, procedure).await.unwrap();
    (shares[0].disposition, shares[0].reasons.clone())
}

#[tokio::test]
async fn refusals_that_point_one_way_are_asked_about_hold_once_agreed_and_are_taken_back_by_one_tap() {
    let pages = Pages::start(now(), "[pace]\ninstant_per_hour = 0\n").await.unwrap();
    let service = &pages.app.service;
    person(&pages, "ana", "Ana").await;
    person(&pages, "marc", "Marc").await;
    pages.person("rival", "Rival", Role::Structure, Some("44444444400014")).await.unwrap();
    for who in ["ana", "marc", "rival"] {
        pages.subscription(who, &laundry(&[])).await.unwrap();
    }
    let home = seen(&pages, "home", "Blanchisserie du lycée", "62", 0).await;
    decide(&pages, "ana", &home, Stage::Go, None).await;
    let me = || async { service.store.subscriber("ana").await.unwrap().unwrap() };
    for n in 0..6 {
        let procedure = seen(&pages, &format!("far-{n}"), &format!("Blanchisserie de la cité {n}"), "59", 0).await;
        assert!(questions::waiting(service, &me().await).await.unwrap().is_empty(), "after {n}");
        // One of them says nothing of trade or place.
        decide(&pages, "ana", &procedure, Stage::NoGo, (n == 0).then_some(Refusal::Time)).await;
    }
    let question = questions::waiting(service, &me().await).await.unwrap().remove(0);
    assert_eq!(
        question.title,
        "5 refus sur 5 pour «\u{a0}Blanchisserie\u{a0}» hors du 62 : mettre ces marchés dans le résumé plutôt qu’en alerte ?"
    );
    let queued = service.store.deliveries(Some(DeliveryState::Pending), 100).await.unwrap();
    let asks = queued.iter().filter(|d| d.cause.alert() == Some(question.id.as_str())).count();
    assert_eq!(asks, 6, "both of the structure, on each of their channels");
    // It waits on the first page too, with its buttons.
    let first = pages.signed_in("ana").await.unwrap().get("/").await.unwrap().body;
    assert!(first.contains("À répondre") && first.contains("Oui, dans le résumé"), "{first}");
    // Nobody of another structure sees or answers it.
    let rival = pages.signed_in("rival").await.unwrap();
    assert!(!rival.get("/").await.unwrap().body.contains("À répondre"));
    let path = format!("/reglages/propositions/{}", question.id);
    assert_eq!(rival.get(&path).await.unwrap().status, 404);
    assert!(!rival.get("/reglages").await.unwrap().body.contains("hors du 62"));
    let link = service.question_url(&question.id, "rival", now()).unwrap();
    assert_eq!(pages.stranger().unwrap().get(link.strip_prefix(&pages.base).unwrap()).await.unwrap().status, 404);
    // Before anybody agrees, nothing changes.
    let asked = seen(&pages, "asked", "Blanchisserie de l’asile", "59", 0).await;
    assert_eq!(heard(&pages, "ana", &asked).await.0, Disposition::Instant);
    let listed = says(&pages, "ana", Channel::Matrix, "voir").await;
    assert!(listed.contains("Blanchisserie de la cité 3"), "{listed}");
    let agreed = says(&pages, "marc", Channel::Matrix, "Oui, dans le résumé").await;
    assert!(agreed.contains("dans votre résumé"), "{agreed}");
    let later = seen(&pages, "later", "Blanchisserie du musée", "59", 0).await;
    let (disposition, why) = heard(&pages, "ana", &later).await;
    assert_eq!(disposition, Disposition::Digest);
    assert!(why.contains("dans le résumé plutôt qu’en alerte : 5 refus sur 5"), "{why}");
    assert_eq!(heard(&pages, "rival", &later).await.0, Disposition::Instant, "another structure's is another's");
    let at_home = seen(&pages, "at-home", "Blanchisserie du théâtre", "62", 0).await;
    assert_eq!(heard(&pages, "ana", &at_home).await.0, Disposition::Instant);
    // Listed on the page and in chats, undone by one tap; a colleague's question is over.
    let ana = pages.signed_in("ana").await.unwrap();
    let page = ana.get("/reglages").await.unwrap().body;
    assert!(page.contains("Revenir aux alertes") && page.contains("(Marc)"), "{page}");
    assert!(says(&pages, "ana", Channel::Telegram, "/reglages habitudes").await.contains("hors du 62"));
    assert_eq!(ana.post_form(&path, &[("mot", "revenir")]).await.unwrap().status, 200);
    let again = seen(&pages, "again", "Blanchisserie de la gare", "59", 0).await;
    assert_eq!(heard(&pages, "ana", &again).await.0, Disposition::Instant);
    let stored = service.store.tastes_of(SIRET).await.unwrap();
    assert_eq!((stored.len(), stored[0].state), (1, TasteState::Off));
    // It goes with the structure's last person, and stays while one is there.
    service.store.erase("marc", true, now()).await.unwrap();
    assert_eq!(service.store.tastes_of(SIRET).await.unwrap().len(), 1);
    service.store.erase("ana", true, now()).await.unwrap();
    assert!(service.store.tastes_of(SIRET).await.unwrap().is_empty());
}

/// A structure of the replayed month: what it works in, and what it truly goes for.
struct Of {
    trade: String,
    home: Department,
    person: Person,
}

impl Of {
    fn new(n: usize, trade: &str, home: Department) -> Self {
        let id = format!("s{n}");
        let profile = Profile {
            kind: Some(StructureKind::Ea),
            sectors: vec![trade.to_owned()],
            departments: vec![home.clone()],
            ..Profile::default()
        };
        let subscription = Subscription {
            id: format!("sub-{n}"),
            subscriber: id.clone(),
            name: String::new(),
            filter: Filter { sectors: vec![trade.to_owned()], ..Filter::default() },
            cadence: Cadence::Instant,
            paused_until: None,
        };
        let value = format!("{id}@x.example");
        let address = Address {
            id: value.clone(),
            subscriber: id.clone(),
            channel: Channel::Email,
            value,
            state: AddressState::Active,
        };
        let person = Person {
            number: n as i64,
            subscriber: Subscriber { id, name: String::new(), role: Role::Structure, profile },
            rhythm: Default::default(),
            routes: Default::default(),
            away: None,
            subscriptions: vec![subscription],
            addresses: vec![address],
            tastes: Vec::new(),
        };
        Self { trade: trade.to_owned(), home, person }
    }

    fn goes(&self, departments: &[Department]) -> bool {
        departments.contains(&self.home)
    }
}

/// A recorded month, its first half decided and learned from, its second told with taste and without.
#[test]
fn a_replayed_month_has_fewer_instant_alerts_with_taste_and_loses_none_that_was_answered() {
    let Some(path) = shared::data("data/boamp/summaries_real_10000.jsonl") else { return };
    let text = std::fs::read_to_string(path).unwrap();
    let notices: Vec<Notice> = text.lines().take(8_000).map(|l| recorded(&serde_json::from_str(l).unwrap())).collect();
    let judged: Vec<_> = notices.iter().map(|n| (n, classify::classify(n))).collect();
    let (first, second) = judged.split_at(judged.len() / 2);
    let mut trades: BTreeMap<(&String, &Department), usize> = BTreeMap::new();
    for (_, a) in first {
        for pair in a.sectors.iter().flat_map(|s| a.departments.iter().map(move |d| (s, d))) {
            *trades.entry(pair).or_default() += 1;
        }
    }
    // The trades with most notices, each with a structure where most of them are.
    let mut most: Vec<_> = trades.into_iter().collect();
    most.sort_by_key(|(pair, n)| (std::cmp::Reverse(*n), *pair));
    let mut structures: Vec<Of> = Vec::new();
    for ((trade, home), _) in most {
        if structures.len() < 10 && !structures.iter().any(|s| s.trade == *trade) {
            structures.push(Of::new(structures.len(), trade, home.clone()));
        }
    }
    let (mut without, mut with, mut answered, mut reasons) = (0, 0, 0, 0);
    for one in &structures {
        let of_trade = |a: &&vigie_domain::Assessment| a.sectors.contains(&one.trade);
        let verdicts: Vec<Verdict> = first
            .iter()
            .map(|(_, a)| a)
            .filter(of_trade)
            .map(|a| Verdict {
                refused: !one.goes(&a.departments),
                reason: None,
                sectors: a.sectors.clone(),
                departments: a.departments.clone(),
            })
            .collect();
        let tastes = taste::learned(&verdicts, &one.person.subscriber.profile.departments);
        let off = told(second, one.person.clone());
        let on = told(second, Person { tastes, ..one.person.clone() });
        assert_eq!(off.len(), on.len(), "nothing is hidden");
        for ((_, a), (before, after)) in second.iter().filter(|(_, a)| of_trade(&a)).zip(off.iter().zip(&on)) {
            without += usize::from(before.0 == Disposition::Instant);
            with += usize::from(after.0 == Disposition::Instant);
            if one.goes(&a.departments) && before.0 == Disposition::Instant {
                answered += 1;
                assert_eq!(after.0, Disposition::Instant, "{} in {:?}", one.trade, a.departments);
            }
            if before.0 != after.0 {
                assert_eq!(after.0, Disposition::Digest);
                assert!(after.1.contains("plutôt qu’en alerte"), "each effect is named: {}", after.1);
                reasons += 1;
            }
        }
    }
    let weeks = structures.len() as f64 * 15.0 / 7.0;
    eprintln!(
        "instant alerts a structure and week: {:.1} without taste, {:.1} with; answered {answered}, lost 0; moved {reasons}",
        f64::from(u32::try_from(without).unwrap()) / weeks,
        f64::from(u32::try_from(with).unwrap()) / weeks,
    );
    assert!(with * 4 < without * 3, "{with} of {without}");
    assert!(answered > 20, "{answered}");
}

/// Where buyers are of whom the record does not say it.
const PLACES: [&str; 5] = ["59", "62", "80", "33", "69"];

fn recorded(summary: &Value) -> Notice {
    let text = |key: &str| summary[key].as_str().unwrap_or_default().to_owned();
    let mut notice = Notice::new("boamp", text("idweb"), NoticeKind::Call);
    notice.title = text("objet");
    let buyer = text("nomacheteur");
    // « Ville d’Orange (84) » names its département; of the other buyers these records say none, and each is given one that stays.
    let named = buyer.rsplit_once('(').and_then(|(_, rest)| Department::parse(rest.trim_end_matches(')').trim()));
    let given = PLACES[buyer.bytes().fold(7_usize, |n, b| n.wrapping_mul(31) + usize::from(b)) % PLACES.len()];
    notice.departments = named.or_else(|| Department::parse(given)).into_iter().collect();
    notice.published = NaiveDate::from_ymd_opt(2026, 11, 20);
    notice
}

/// How somebody hears of each of these that concerns them.
fn told(notices: &[(&Notice, vigie_domain::Assessment)], person: Person) -> Vec<(Disposition, String)> {
    let mut audience = Audience::default();
    audience.add(Arc::new(person));
    let times = DigestTimes {
        hour: 8,
        weekday: chrono::Weekday::Mon,
        days: vigie_domain::Days::ALL,
        zone: chrono_tz::Europe::Paris,
    };
    let planner = Planner::with_paces(&audience, None, (times, 0), now());
    let mut out = Vec::new();
    for (notice, assessment) in notices {
        let stored = Stored::default();
        let plan = plan::notice(notice, &content_hash(notice), assessment.clone(), &stored, now());
        let candidate =
            Candidate { notice, assessment: &plan.assessment, folded: " ", now: now(), communes: rules::communes };
        let audiences = planner.audiences(&candidate, &stored.told);
        let people = planner.people(audiences, &plan.alert, plan.silent, &plan.assessment, &People::default());
        out.extend(people.shares.into_iter().map(|(share, _)| (share.disposition, share.reasons)));
    }
    out
}

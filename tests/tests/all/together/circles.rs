//! Random calls, answers and consents on one procedure: whoever looks, no answer, refusal, word or decision leaves its circle, and every
//! look at another's answer is logged. The worlds are drawn from a seed that is printed when one fails.

use std::collections::BTreeSet;

use vigie_domain::Disposition;
use vigie_domain::partner_call::{PartnerCall, Position, position_on};
use vigie_notifier::card::{OfCall, Why};
use vigie_notifier::message::Form;
use vigie_service::Clock;
use vigie_service::partner_calls::{looking, messages};
use vigie_store::outbox::Item;
use vigie_store::partner_calls::Invitation;

use super::*;

const WORLDS: u64 = 24;
const STRUCTURES: usize = 5;
const LOTS: [&str; 3] = ["1", "2", "3"];

/// A small generator of numbers (splitmix64): the same seed gives the same world.
struct Dice(u64);

impl Dice {
    fn of(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap()
    }

    fn yes(&mut self) -> bool {
        self.of(2) == 0
    }
}

/// One call of a world, with what was answered and agreed.
struct Known {
    call: PartnerCall,
    asked: BTreeSet<String>,
    /// Whose decision its coordinator may see.
    agreed: BTreeSet<String>,
    positions: Vec<Position>,
}

async fn draw(pages: &Pages, procedure: &str, dice: &mut Dice, (world, n): (u64, usize), coordinator: &str) -> Known {
    let store = &pages.app.service.store;
    let mut call = PartnerCall {
        id: format!("w{world}c{n}"),
        coordinator: coordinator.to_owned(),
        name: format!("Réseau {n}"),
        procedure: procedure.to_owned(),
        lots: LOTS.map(str::to_owned).to_vec(),
        note: String::new(),
        state: CallState::Open,
        closes: now() + Duration::days(5),
        tender: None,
        opened: now(),
        by: "Claire".into(),
        told: Turn::Asked,
        ended: if dice.of(4) == 0 { vec!["3".into()] } else { Vec::new() },
        follows: String::new(),
    };
    let asked: BTreeSet<String> = (1..=STRUCTURES).filter(|_| dice.of(4) > 0).map(siret).collect();
    let mut tx = store.begin_ingest_at(now).await.unwrap();
    tx.put_partner_call(&call).await.unwrap();
    for structure in &asked {
        let name = format!("Nom de {structure}");
        let invitation =
            Invitation { call: call.id.clone(), structure: structure.clone(), name, at: now(), shows_decision: false };
        tx.put_partner_invitation(&invitation).await.unwrap();
    }
    tx.commit().await.unwrap();
    let (mut agreed, mut positions) = (BTreeSet::new(), Vec::new());
    for structure in &asked {
        if dice.of(4) == 0 {
            continue; // answers nothing
        }
        let mut new = Vec::new();
        for lot in [""].into_iter().chain(LOTS) {
            if dice.yes() {
                continue;
            }
            new.push(Position {
                structure: structure.clone(),
                lot: lot.to_owned(),
                role: PartnerRole::ALL[dice.of(4)],
                share: dice.yes().then_some(37),
                hours: None,
                people: None,
                note: format!("mot-{}-{structure}", call.id),
                by: format!("voix-{structure}"),
                at: now(),
            });
        }
        let shows = dice.yes();
        if !new.is_empty() {
            store.put_positions(&call.id, structure, new, (None, Some(shows)), now()).await.unwrap();
            agreed.extend(shows.then(|| structure.clone()));
        }
    }
    positions.extend(store.positions_on(&call.id).await.unwrap());
    call.state = [CallState::Open, CallState::Closed, CallState::Cancelled][dice.of(3)];
    let mut tx = store.begin_ingest_at(now).await.unwrap();
    tx.put_partner_call(&call).await.unwrap();
    tx.commit().await.unwrap();
    Known { call, asked, agreed, positions }
}

/// What a structure may read of the others in a call it is asked in: names of those who stand on a lot with it once it is closed.
fn may_name(known: &Known, reader: &str, other: &str) -> bool {
    let takes = |s: &str, lot: &str| position_on(&known.positions, s, lot).is_some_and(|p| p.role.takes_part());
    known.call.state == CallState::Closed
        && LOTS.iter().any(|lot| !known.call.ended.iter().any(|e| e == lot) && takes(reader, lot) && takes(other, lot))
}

/// What an alert about a call carries.
fn item(call: &PartnerCall, turn: Turn) -> Item {
    let partners = Some(OfCall { call: call.id.clone(), turn, said: String::new() });
    Item {
        alert_kind: AlertKind::PartnerCall,
        procedure: call.procedure.clone(),
        changes: "[]".into(),
        body: None,
        disposition: Disposition::Instant,
        reasons: serde_json::to_string(&Why { partners, ..Why::default() }).unwrap(),
        document: String::new(),
        assessment: String::new(),
        snapshot: String::new(),
        created: now(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_calls_and_consents_no_answer_leaves_its_circle() {
    in_its_circle(Pages::start(now(), "").await.unwrap()).await;
    if let Some(postgres) = Postgres::start() {
        let dir = tempfile::tempdir().unwrap();
        in_its_circle(Pages::start_on(dir, &postgres.url, Clock::fixed(now()), "").await.unwrap()).await;
    }
}

async fn in_its_circle(pages: Pages) {
    let (service, store) = (&pages.app.service, &pages.app.service.store);
    network(&pages).await;
    pages.person("rival", "Inter-réseau", Role::Network, None).await.unwrap();
    let procedure = pages.take(&call("26-1", (2026, 11, 18), "2026-12-21T12:00:00+01:00")).await.unwrap();
    for n in 1..=STRUCTURES {
        let mut decision = Decision::new(&siret(n), &procedure, Stage::Go, &format!("voix-{}", siret(n)), now());
        decision.note = format!("secret-{}", siret(n));
        store.decide(&decision).await.unwrap();
    }
    let mut shown_decisions = 0;
    for world in 0..WORLDS {
        let mut dice = Dice(world);
        let own = siret(1);
        let second = if dice.yes() { "rival" } else { own.as_str() };
        let mut calls = Vec::new();
        for (n, coordinator) in ["gie", second].into_iter().enumerate() {
            calls.push(draw(&pages, &procedure, &mut dice, (world, n), coordinator).await);
        }
        let people: Vec<String> = (1..=STRUCTURES).map(member).chain(["gie".into(), "rival".into()]).collect();
        for person in &people {
            let reader = store.subscriber(person).await.unwrap().unwrap();
            let structure = reader.structure().to_owned();
            for known in &calls {
                let id = &known.call.id;
                let table = looking::coordinated(service, &reader, id).await.unwrap();
                assert_eq!(table.is_some(), structure == known.call.coordinator, "{id} {person}");
                if let Some(table) = table {
                    let said = format!("{table:?}");
                    assert!(!said.contains("secret-"), "a note is nobody's but its structure's: {id}");
                    assert_eq!(table.positions, known.positions, "{id}");
                    let decided: BTreeSet<String> = table.decisions.keys().cloned().collect();
                    assert_eq!(
                        decided, known.agreed,
                        "a decision is shown where its structure said so, for this call: {id}"
                    );
                    shown_decisions += decided.len();
                    for n in 1..=STRUCTURES {
                        let read = siret(n) != structure
                            && (known.positions.iter().any(|p| p.structure == siret(n)) || decided.contains(&siret(n)));
                        let logged = store.looks(&member(n), 1000).await.unwrap();
                        let logged = logged.iter().any(|l| l.who == *person && l.what.ends_with(&format!(" {id}")));
                        assert_eq!(logged, read, "{id}: {person} and {}", member(n));
                    }
                }
                for turn in [Turn::Asked, Turn::LastDay, Turn::Moved, Turn::LineUp, Turn::Cancelled] {
                    for form in [Form::Mail, Form::Chat] {
                        let told = (&item(&known.call, turn), person.as_str());
                        let Some(said) = messages::message(service, told, form, (true, None)).await.unwrap() else {
                            assert!(structure != known.call.coordinator, "{id} {person}");
                            continue;
                        };
                        assert!(structure == known.call.coordinator || known.asked.contains(&structure));
                        let said = format!("{said:?}");
                        assert!(!said.contains("secret-"), "{id} {person}");
                        for other in (1..=STRUCTURES).map(siret).filter(|s| *s != structure) {
                            if structure == known.call.coordinator {
                                continue;
                            }
                            for word in [format!("mot-{id}-{other}"), format!("voix-{other}")] {
                                assert!(!said.contains(&word), "{id} {person}: {word} in {said}");
                            }
                            let named = said.contains(&format!("Nom de {other}"));
                            assert!(!named || may_name(known, &structure, &other), "{id} {person} {other}: {said}");
                        }
                    }
                }
                let view = looking::asked(service, &reader, id).await.unwrap();
                assert_eq!(view.is_some(), known.asked.contains(&structure), "{id} {person}");
                let Some(view) = view else { continue };
                let said = format!("{view:?}");
                assert!(!said.contains("secret-"), "{id} {person}");
                for other in (1..=STRUCTURES).map(siret).filter(|s| *s != structure) {
                    for word in [format!("mot-{id}-{other}"), format!("voix-{other}")] {
                        assert!(!said.contains(&word), "{id} {person}: {word} in {said}");
                    }
                    let named = said.contains(&format!("Nom de {other}"));
                    assert_eq!(named, may_name(known, &structure, &other), "{id} {person} {other}: {said}");
                }
                // The other call on the procedure is not here at all.
                let elsewhere = calls.iter().find(|k| k.call.id != *id).unwrap();
                assert!(!said.contains(&elsewhere.call.id) && !said.contains(&elsewhere.call.name), "{id} {person}");
            }
        }
    }
    assert!(shown_decisions > 10, "the worlds try consents");
}

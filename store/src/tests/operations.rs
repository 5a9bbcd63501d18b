//! Operations, their hours and settings on both engines: what is written again finds its row, and no structure reads another's.

use chrono::NaiveDate;
use vigie_domain::event::Event;
use vigie_domain::hours_to_fill::{FillState, HoursAnswer, HoursToFill};
use vigie_domain::operation::calibration::{Line, Sheet};
use vigie_domain::operation::hours::People;
use vigie_domain::operation::{Hours, HoursRow, LotOwed, Modality, Operation, OperationState, Programme};
use vigie_domain::service_area::{Area, ServiceArea};
use vigie_domain::subscription::{Profile, Role};
use vigie_domain::{Cadence, Channel, Department, Filter, Subscriber};

use super::{Empty, at, person};
use crate::Store;
use crate::operation_hours::{OperationHours, OperationLot};
use crate::operation_settings::Coefficient;
use crate::operations::Standing;
use crate::people::{AddressState, NewSubscriber};

const PLIE: &str = "26620001400011";

fn operation(structure: &str, reference: &str) -> Operation {
    Operation {
        structure: structure.into(),
        reference: reference.into(),
        title: "Réhabilitation de l’école Jaurès".into(),
        buyer: "Ville de Lens".into(),
        siret: Some("21620498200012".into()),
        departments: ["62", "59"].into_iter().filter_map(Department::parse).collect(),
        programme: Programme::Npnru,
        amount: Some(1_000_000),
        in_charge: "Ana Essai".into(),
        next_step: "appeler le titulaire".into(),
        next_on: NaiveDate::from_ymd_opt(2027, 3, 4),
        created: at(0),
        updated: at(0),
        ..Operation::default()
    }
}

fn hours(operation: &str, month: u32, done: i64) -> OperationHours {
    let month = NaiveDate::from_ymd_opt(2027, month, 1).unwrap();
    let people = People { all: Some(3), women: Some(1), ..People::default() };
    let row = HoursRow {
        done: Hours::whole(done),
        people,
        remark: "béton".into(),
        ..HoursRow::new(month, "1", "Martin SARL", Modality::Temporary)
    };
    OperationHours { operation: operation.into(), row }
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_are_written_again_under_their_reference_and_belong_to_their_structure() {
    for empty in Empty::each() {
        let store = Store::open(&empty.url).await.unwrap();
        store
            .put_operations(&[operation("ana", "2027-1"), operation("ana", "2027-2"), operation("bob", "2027-1")])
            .await
            .unwrap();
        let mine = store.operations_of("ana").await.unwrap();
        assert_eq!(mine.iter().map(|o| o.reference.as_str()).collect::<Vec<_>>(), ["2027-1", "2027-2"]);
        let first = mine[0].clone();
        assert_eq!(first, Operation { id: first.id.clone(), ..operation("ana", "2027-1") });
        let again = Operation {
            reference: " 2027-1 ".into(),
            title: "Autre objet".into(),
            state: OperationState::Called,
            updated: at(9),
            ..operation("ana", "")
        };
        store.put_operations(&[again]).await.unwrap();
        let changed = store.operation_of_reference("ana", "2027-1").await.unwrap().unwrap();
        assert_eq!((changed.id.as_str(), changed.title.as_str()), (first.id.as_str(), "Autre objet"));
        assert_eq!(changed.created, at(0), "it is as old as it was");
        assert_eq!(store.operations_of("ana").await.unwrap().len(), 2);
        assert_eq!(store.operation("bob", &first.id).await.unwrap(), None);
        assert!(!store.change_operation(&Operation { reference: "2027-2".into(), ..changed.clone() }).await.unwrap());
        assert!(!store.change_operation(&Operation { structure: "bob".into(), ..changed.clone() }).await.unwrap());
        assert!(store.change_operation(&Operation { reference: "2027-9".into(), ..changed }).await.unwrap());
        assert_eq!(store.operation("ana", &first.id).await.unwrap().unwrap().reference, "2027-9");

        store.put_operation_note(("ana", &first.id), "Ana", "vu avec la ville", at(1)).await.unwrap();
        store.put_operation_note(("ana", &first.id), "Béa", "relancé", at(2)).await.unwrap();
        let notes = store.operation_notes("ana", &first.id).await.unwrap();
        assert_eq!(notes.iter().map(|n| n.text.as_str()).collect::<Vec<_>>(), ["relancé", "vu avec la ville"]);
        assert!(store.operation_notes("bob", &first.id).await.unwrap().is_empty());

        let of = ("ana", first.id.as_str());
        assert!(store.attach_procedure(of, "p", (Standing::Proposed, false), at(1)).await.unwrap());
        assert!(!store.attach_procedure(of, "p", (Standing::Proposed, false), at(2)).await.unwrap());
        assert!(store.operations_with("ana", "p").await.unwrap().is_empty());
        assert!(store.attach_procedure(of, "p", (Standing::Refused, true), at(3)).await.unwrap());
        assert!(
            !store.attach_procedure(of, "p", (Standing::Attached, false), at(4)).await.unwrap(),
            "a person said no"
        );
        assert!(store.attach_procedure(of, "p", (Standing::Attached, true), at(5)).await.unwrap());
        assert_eq!(store.operations_with("ana", "p").await.unwrap().len(), 1);
        assert!(store.operations_with("bob", "p").await.unwrap().is_empty());
        // Two procedures that are found to be one are one beside an operation too.
        assert!(store.attach_procedure(of, "q", (Standing::Attached, false), at(5)).await.unwrap());
        let mut tx = store.begin_ingest(at(6)).await.unwrap();
        tx.join_procedures("p", &["p".into(), "q".into()]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(store.operation_procedures("ana").await.unwrap().len(), 1);

        assert!(store.note_operation_told(of, "p:awarded", at(1)).await.unwrap());
        assert!(!store.note_operation_told(of, "p:awarded", at(2)).await.unwrap());
        assert_eq!(store.operations_told("ana").await.unwrap().len(), 1);
        assert_eq!(store.structures_with_operations().await.unwrap(), ["ana", "bob"]);
        assert!(!store.remove_operation("bob", &first.id).await.unwrap());
        assert!(store.remove_operation("ana", &first.id).await.unwrap());
        assert!(store.operation_notes("ana", &first.id).await.unwrap().is_empty());
        assert!(store.operation_procedures("ana").await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hours_and_what_is_owed_take_the_place_of_what_stood_and_settings_are_kept() {
    for empty in Empty::each() {
        let store = Store::open(&empty.url).await.unwrap();
        store.put_operations(&[operation("ana", "1")]).await.unwrap();
        let id = store.operations_of("ana").await.unwrap().remove(0).id;
        let (one, two) = (hours(&id, 1, 80), hours(&id, 2, 90));
        store.put_hours("ana", &[two.clone(), one.clone()]).await.unwrap();
        let corrected =
            OperationHours { row: HoursRow { company: "MARTIN sarl".into(), ..hours(&id, 1, 85).row }, ..one };
        store.put_hours("ana", std::slice::from_ref(&corrected)).await.unwrap();
        assert_eq!(store.hours_of("ana", Some(&id)).await.unwrap(), [corrected.clone(), two.clone()]);
        assert_eq!(store.hours_of("ana", None).await.unwrap().len(), 2);
        assert!(store.hours_of("bob", None).await.unwrap().is_empty());
        assert!(!store.remove_hours("bob", &id, &two.row).await.unwrap());
        assert!(store.remove_hours("ana", &id, &two.row).await.unwrap());
        assert_eq!(store.hours_of("ana", Some(&id)).await.unwrap(), std::slice::from_ref(&corrected));

        let lot = LotOwed {
            lot: "1".into(),
            company: "Martin SARL".into(),
            siret: Some("55204599900012".into()),
            owed: Hours::whole(833),
            ends: NaiveDate::from_ymd_opt(2028, 1, 31),
            published: true,
            ..LotOwed::default()
        };
        let sums = store.operation_sums("ana", None).await.unwrap();
        assert_eq!((sums.len(), sums[&id].done, sums[&id].owed), (1, corrected.row.done, Hours::NONE));
        let more = LotOwed { owed: Hours::whole(900), published: false, ..lot.clone() };
        store.put_lots("ana", &[OperationLot { operation: id.clone(), lot }]).await.unwrap();
        store.put_lots("ana", &[OperationLot { operation: id.clone(), lot: more.clone() }]).await.unwrap();
        assert_eq!(store.lots_of("ana", Some(&id)).await.unwrap().iter().map(|l| &l.lot).collect::<Vec<_>>(), [&more]);
        assert!(store.lots_of("bob", None).await.unwrap().is_empty());
        assert_eq!(store.operation_sums("ana", Some(&id)).await.unwrap()[&id].owed, Hours::whole(900));
        assert!(store.operation_sums("bob", Some(&id)).await.unwrap().is_empty());
        assert!(
            store.remove_lot("ana", &id, &more).await.unwrap() && !store.remove_lot("ana", &id, &more).await.unwrap()
        );

        let line = Line { amount: 1_000_000, share: 5_000, rate: 500, cost: 3_000, ..Line::default() };
        let sheet = Sheet { lines: vec![line], opinion: "favorable".into(), ..Sheet::default() };
        assert_eq!(store.sheet("ana", &id).await.unwrap(), None);
        assert!(!store.put_sheet("bob", &id, &sheet, at(1)).await.unwrap());
        assert!(store.put_sheet("ana", &id, &sheet, at(1)).await.unwrap());
        assert_eq!(store.sheet("ana", &id).await.unwrap(), Some(sheet.clone()));
        store.put_operations(&[operation("ana", "1")]).await.unwrap();
        assert_eq!(store.sheet("ana", &id).await.unwrap(), Some(sheet), "a table that comes again leaves it");

        let c = Coefficient {
            name: "maconnerie".into(),
            label: "Maçonnerie".into(),
            value: 4_500,
            source: "nos chantiers".into(),
            by: "Ana".into(),
            at: at(1),
        };
        store.put_coefficient("ana", &c).await.unwrap();
        store.put_coefficient("ana", &Coefficient { value: 4_000, ..c.clone() }).await.unwrap();
        assert_eq!(store.coefficients_of("ana").await.unwrap()[0].value, 4_000);
        assert!(store.coefficients_of("bob").await.unwrap().is_empty());
        assert!(store.remove_coefficient("ana", "maconnerie").await.unwrap());

        store.put_monthly_table("ana", (&vec!["month".to_owned()], 5), "Ana", at(1)).await.unwrap();
        assert_eq!(store.monthly_tables_due(4, "2027-03").await.unwrap(), Vec::<String>::new());
        assert_eq!(store.monthly_tables_due(5, "2027-03").await.unwrap(), ["ana"]);
        assert!(store.note_table_sent("ana", "2027-03").await.unwrap());
        assert!(!store.note_table_sent("ana", "2027-03").await.unwrap());
        assert!(store.monthly_tables_due(28, "2027-03").await.unwrap().is_empty());
        let settled = store.monthly_table::<Vec<String>>("ana").await.unwrap().unwrap();
        assert_eq!((settled.table.len(), settled.day), (1, 5));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_takes_their_name_out_of_operations_and_the_last_one_takes_them_along() {
    for empty in Empty::each() {
        let store = Store::open(&empty.url).await.unwrap();
        person(&store, "jeanne").await;
        let mut kept = operation("jeanne", "1");
        kept.in_charge = "jeanne".into();
        store.put_operations(&[kept]).await.unwrap();
        let id = store.operations_of("jeanne").await.unwrap().remove(0).id;
        store.put_operation_note(("jeanne", &id), "jeanne", "vu", at(1)).await.unwrap();
        store.put_hours("jeanne", &[hours(&id, 1, 80)]).await.unwrap();
        let held = store.held_on("jeanne").await.unwrap().unwrap();
        assert!(
            held.iter().any(|(h, _)| h.table == "operation") && held.iter().any(|(h, _)| h.table == "operation_hours")
        );
        store.erase("jeanne", true, at(2)).await.unwrap().unwrap();
        assert!(store.operations_of("jeanne").await.unwrap().is_empty());
        assert!(store.hours_of("jeanne", None).await.unwrap().is_empty());
    }
}

/// Facilitators of one organisation.
async fn colleagues(store: &Store, ids: &[&str]) {
    for id in ids {
        let profile = Profile { siret: Some(PLIE.into()), ..Profile::default() };
        let subscriber = Subscriber { id: (*id).into(), name: (*id).into(), role: Role::Facilitator, profile };
        let addresses = vec![(Channel::Email, format!("{id}@exemple.fr"), AddressState::Active)];
        store.put_subscriber(&NewSubscriber { subscriber, addresses, declared: false }, at(0)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_colleagues_wrote_goes_out_of_every_text_of_operations_and_of_the_area() {
    for empty in Empty::each() {
        let store = Store::open(&empty.url).await.unwrap();
        colleagues(&store, &["jeanne", "karim"]).await;
        assert_eq!(store.people_of(PLIE).await.unwrap().len(), 2);
        let said = || "vu avec jeanne, jeanne@exemple.fr".to_owned();
        store.put_operations(&[Operation { remark: said(), next_step: said(), ..operation(PLIE, "1") }]).await.unwrap();
        let id = store.operations_of(PLIE).await.unwrap().remove(0).id;
        let one = hours(&id, 1, 80);
        let row = HoursRow { remark: said(), ..one.row };
        store.put_hours(PLIE, &[OperationHours { row, ..one }]).await.unwrap();
        let sheet = Sheet { opinion: said(), ..Sheet::default() };
        store.put_sheet(PLIE, &id, &sheet, at(1)).await.unwrap();
        let c = Coefficient {
            name: "cost".into(),
            label: "Coût".into(),
            value: 3_000,
            source: said(),
            by: "jeanne".into(),
            at: at(1),
        };
        store.put_coefficient(PLIE, &c).await.unwrap();
        let area = ServiceArea { name: "PLIE".into(), contact: said(), shown: true, ..ServiceArea::default() };
        store.put_service_area(PLIE, &area, (&[], "jeanne"), at(1)).await.unwrap();

        store.erase("jeanne", true, at(2)).await.unwrap().unwrap();
        let kept = store.held_on("karim").await.unwrap().unwrap();
        let text: String = kept.iter().flat_map(|(_, rows)| rows).map(ToString::to_string).collect();
        assert!(text.contains("vu avec personne effacée") && !text.contains("jeanne"), "{text}");
        assert_eq!(store.operations_of(PLIE).await.unwrap().len(), 1, "the rest stays with the colleague");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn areas_are_found_by_the_departements_they_reach_into_where_they_are_shown() {
    for empty in Empty::each() {
        let store = Store::open(&empty.url).await.unwrap();
        colleagues(&store, &["ana"]).await;
        let places =
            |codes: &[&str]| -> Vec<Department> { codes.iter().filter_map(|c| Department::parse(c)).collect() };
        let area = |shown: bool, buyers: &[&str]| ServiceArea {
            shown,
            area: Area { buyers: buyers.iter().map(|b| (*b).to_owned()).collect(), ..Area::default() },
            ..ServiceArea::default()
        };
        store.put_service_area("north", &area(true, &[]), (&places(&["59", "62"]), "x"), at(1)).await.unwrap();
        store.put_service_area("hidden", &area(false, &[]), (&places(&["59"]), "x"), at(1)).await.unwrap();
        store.put_service_area("buyers", &area(true, &["216204982"]), (&[], "x"), at(1)).await.unwrap();
        let found = async |code: &str| -> Vec<String> {
            let all = store.shown_service_areas(&Department::parse(code).unwrap()).await.unwrap();
            all.into_iter().map(|(structure, _)| structure).collect()
        };
        assert_eq!(found("62").await, ["buyers", "north"]);
        assert_eq!(found("33").await, ["buyers"], "what follows buyers is looked at everywhere");
        store.put_service_area("north", &area(true, &[]), (&places(&["59"]), "y"), at(2)).await.unwrap();
        assert_eq!(found("62").await, ["buyers"]);
        assert_eq!(store.service_area("north").await.unwrap().unwrap().1, "y");

        // A subscription that follows it is one, and what its owner named it stays.
        let filter = |code: &str| Filter { departments: places(&[code]), ..Filter::default() };
        let put = async |filter: Filter| {
            store.put_subscription_as(("ana", "area-ana"), (&filter, Cadence::Auto, "Notre territoire"), at(3)).await
        };
        put(filter("59")).await.unwrap();
        assert!(store.name_subscription("ana", "area-ana", "Chez nous").await.unwrap());
        put(filter("62")).await.unwrap();
        let mine = store.subscriptions_of("ana").await.unwrap();
        assert_eq!((mine.len(), mine[0].name.as_str(), &mine[0].filter), (1, "Chez nous", &filter("62")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hours_to_be_worked_are_answered_kept_and_filled_and_an_answer_is_read_by_two() {
    for empty in Empty::each() {
        let store = Store::open(&empty.url).await.unwrap();
        colleagues(&store, &["ana"]).await;
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let offer = HoursToFill {
            id: "h1".into(),
            structure: PLIE.into(),
            organisation: "PLIE".into(),
            trade: "Maçonnerie".into(),
            sector: Some("batiment".into()),
            place: "Lens (62)".into(),
            commune: "62498".into(),
            departments: Department::parse("62").into_iter().collect(),
            starts: Some(day("2027-03-01")),
            hours: Hours::whole(400),
            contact: "ana, 03 21 00 00 00".into(),
            until: day("2027-02-15"),
            by: "ana".into(),
            at: at(1),
            ..HoursToFill::default()
        };
        store.put_hours_to_fill(&offer).await.unwrap();
        assert_eq!(store.hours_to_fill("h1").await.unwrap().as_ref(), Some(&offer));
        assert_eq!(store.open_hours_to_fill(day("2027-02-15")).await.unwrap().len(), 1);
        assert!(store.open_hours_to_fill(day("2027-02-16")).await.unwrap().is_empty());
        let answer = |structure: &str, yes: bool, hours: i64| HoursAnswer {
            offer: "h1".into(),
            structure: structure.into(),
            name: structure.into(),
            yes,
            hours: Hours::whole(hours),
            by: "jeanne".into(),
            at: at(2),
            ..HoursAnswer::default()
        };
        store.put_hours_answer(&answer("aci", true, 150)).await.unwrap();
        store.put_hours_answer(&answer("ei", false, 0)).await.unwrap();
        assert_eq!(store.hours_answers_to(PLIE, "h1").await.unwrap().len(), 2);
        assert!(store.hours_answers_to("aci", "h1").await.unwrap().is_empty(), "nor by whoever was asked");
        assert_eq!(store.hours_answers_of("aci").await.unwrap().len(), 1);
        let keep = async |structure: &str, who: &str| {
            store.keep_hours_answer(structure, ("h1", who), Hours::whole(150)).await.unwrap()
        };
        assert!(!keep("rival", "aci").await && !keep(PLIE, "ei").await, "a refusal has nothing to keep");
        assert!(keep(PLIE, "aci").await);
        store.put_hours_answer(&answer("aci", true, 200)).await.unwrap();
        let kept = store.hours_answers_of("aci").await.unwrap().remove(0);
        assert_eq!((kept.hours, kept.kept), (Hours::whole(200), Hours::whole(150)), "what was kept stands");
        assert!(!store.end_hours_to_fill("rival", "h1", FillState::Withdrawn).await.unwrap());
        assert!(store.end_hours_to_fill(PLIE, "h1", FillState::Filled).await.unwrap());
        assert!(!store.end_hours_to_fill(PLIE, "h1", FillState::Withdrawn).await.unwrap(), "once");
        assert!(!keep(PLIE, "aci").await, "what is closed stays as it is");
        store.set_hours_reader("ana", true, at(1)).await.unwrap();
        store.set_hours_reader("ana", true, at(2)).await.unwrap();
        assert_eq!(store.hours_readers().await.unwrap(), ["ana"]);
        store.erase("ana", true, at(3)).await.unwrap().unwrap();
        assert!(store.hours_readers().await.unwrap().is_empty());
        assert!(store.hours_answers_of("aci").await.unwrap().is_empty(), "nobody offers these hours any more");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn meetings_are_told_once_by_one_digest_and_what_was_taken_away_stays_away() {
    for empty in Empty::each() {
        let store = Store::open(&empty.url).await.unwrap();
        colleagues(&store, &["ana", "bea"]).await;
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let event = Event {
            id: "e1".into(),
            structure: PLIE.into(),
            title: "Rencontre des acheteurs".into(),
            day: day("2027-03-12"),
            time: chrono::NaiveTime::from_hms_opt(14, 0, 0),
            place: "Lens (62)".into(),
            departments: Department::parse("62").into_iter().collect(),
            link: "https://plie.example/rencontre".into(),
            by: "ana".into(),
            at: at(1),
            ..Event::default()
        };
        store.put_event(&event).await.unwrap();
        store.put_event(&Event { id: "e2".into(), day: day("2027-03-01"), time: None, ..event.clone() }).await.unwrap();
        let from = async |text: &str| store.events_from(day(text)).await.unwrap();
        assert_eq!(from("2027-03-01").await.len(), 2);
        assert_eq!(from("2027-03-02").await, std::slice::from_ref(&event));
        assert!(from("2027-03-13").await.is_empty());
        store.note_events_told(("ana", "digest:1:0"), &["e1".into()], at(1)).await.unwrap();
        store.note_events_told(("ana", "digest:2:0"), &["e1".into(), "e2".into()], at(2)).await.unwrap();
        let told = store.events_told_to("ana").await.unwrap();
        assert_eq!(
            told,
            [("e1".into(), "digest:1:0".into()), ("e2".into(), "digest:2:0".into())],
            "who told first stands"
        );
        assert!(!store.remove_event("rival", "e1", false).await.unwrap());
        assert!(store.remove_event(PLIE, "e1", false).await.unwrap());
        store.put_event(&event).await.unwrap();
        assert!(from("2027-03-02").await.is_empty(), "a source that brings it again does not bring it back");
        assert_eq!(store.forget_events(day("2027-03-02")).await.unwrap(), 1);
        store.erase("ana", true, at(3)).await.unwrap().unwrap();
        assert!(store.events_told_to("ana").await.unwrap().is_empty());
    }
}

//! What a person did before they spoke for a structure, and which correction stands for a procedure; on both engines.

use vigie_domain::follow_up::{Decision, Stage};
use vigie_domain::operation::{Hours, HoursRow, Modality, Operation};
use vigie_domain::subscription::{Profile, Role};
use vigie_domain::{Assessment, Channel, Notice, NoticeKind, Subscriber};

use super::{at, stores};
use crate::address::AddressState;
use crate::operation_hours::OperationHours;
use crate::operation_settings::Coefficient;
use crate::people::NewSubscriber;
use crate::verdicts::VerdictCorrection;

const SIRET: &str = "35402087700024";

/// Her answer, her note and who saw to it were gone when her claim was approved.
#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_answered_alone_is_their_structure_s_once_they_speak_for_it() {
    for (_empty, store) in stores().await {
        let profile = Profile { claimed_siret: Some(SIRET.to_owned()), ..Profile::default() };
        let subscriber = Subscriber { id: "lea".into(), name: "Léa".into(), role: Role::Subscriber, profile };
        let addresses = vec![(Channel::Email, "lea@exemple.fr".to_owned(), AddressState::Active)];
        store.put_subscriber(&NewSubscriber { subscriber, addresses, declared: false }, at(0)).await.unwrap();
        let says = |structure: &str, procedure: &str, stage, by: &str, note: &str| Decision {
            note: note.to_owned(),
            ..Decision::new(structure, procedure, stage, by, at(1))
        };
        store.decide(&says("lea", "alone", Stage::Go, "Léa", "appeler le CH")).await.unwrap();
        store.decide(&says("lea", "both", Stage::Go, "Léa", "visite le 9")).await.unwrap();
        store.decide(&says(SIRET, "both", Stage::NoGo, "Marc", "")).await.unwrap();
        assert_eq!(store.settle_claim("lea", true).await.unwrap().as_deref(), Some(SIRET));
        assert!(store.decisions_of("lea").await.unwrap().is_empty(), "{:?}", store.engine());
        let stands = async |procedure: &str| {
            let found = store.decisions_on(SIRET, procedure).await.unwrap();
            found.into_iter().map(|d| (d.stage, d.by, d.note)).collect::<Vec<_>>()
        };
        let row = |stage, by: &str, note: &str| vec![(stage, by.to_owned(), note.to_owned())];
        assert_eq!(stands("alone").await, row(Stage::Go, "Léa", "appeler le CH"));
        assert_eq!(stands("both").await, row(Stage::NoGo, "Marc", "visite le 9"));
        let steps = store.decision_steps(SIRET, at(0)).await.unwrap();
        assert_eq!(steps.len(), 3, "{:?}: {steps:?}", store.engine());
    }
}

/// Brought in step with a SIRET by an operator, she found « Aucune opération encore » : operations, hours and area were under her old name.
#[tokio::test(flavor = "multi_thread")]
async fn operations_kept_alone_are_the_organisation_s_once_its_siret_is_said() {
    for (_empty, store) in stores().await {
        let profile = |siret: Option<&str>| Profile { siret: siret.map(str::to_owned), ..Profile::default() };
        let bea = |siret| NewSubscriber {
            subscriber: Subscriber {
                id: "bea".into(),
                name: "Béa".into(),
                role: Role::Facilitator,
                profile: profile(siret),
            },
            addresses: Vec::new(),
            declared: false,
        };
        store.put_subscriber(&bea(None), at(0)).await.unwrap();
        let operation = |structure: &str, reference: &str, title: &str| Operation {
            structure: structure.into(),
            reference: reference.into(),
            title: title.into(),
            created: at(0),
            updated: at(0),
            ..Operation::default()
        };
        let kept = [
            operation("bea", "2027-1", "École"),
            operation("bea", "2027-2", "Piscine"),
            operation(SIRET, "2027-1", "Stade"),
            operation("luc", "2027-1", "Gare"),
        ];
        store.put_operations(&kept).await.unwrap();
        let school = store.operations_of("bea").await.unwrap().remove(0).id;
        let coefficient = |name: &str, value, by: &str| Coefficient {
            name: name.into(),
            label: name.into(),
            value,
            source: String::new(),
            by: by.into(),
            at: at(0),
        };
        for (structure, name, value) in [("bea", "rate", 7), ("bea", "cost", 3_000), (SIRET, "rate", 10)] {
            store.put_coefficient(structure, &coefficient(name, value, structure)).await.unwrap();
        }
        let month = chrono::NaiveDate::from_ymd_opt(2027, 3, 1).unwrap();
        let row = HoursRow { done: Hours::whole(12), ..HoursRow::new(month, "1", "Martin SARL", Modality::Direct) };
        store.put_hours("bea", &[OperationHours { operation: school.clone(), row }]).await.unwrap();
        store.put_subscriber(&bea(Some(SIRET)), at(1)).await.unwrap();
        let engine = store.engine();
        assert!(store.operations_of("bea").await.unwrap().is_empty(), "{engine:?}");
        assert_eq!(store.operations_of("luc").await.unwrap().len(), 1, "nobody else's");
        let all = store.operations_of(SIRET).await.unwrap();
        let named: Vec<(&str, &str)> = all.iter().map(|o| (o.reference.as_str(), o.title.as_str())).collect();
        assert_eq!(named, [("2027-1", "Stade"), ("2027-1 (2)", "École"), ("2027-2", "Piscine")], "{engine:?}");
        assert!(store.operation(SIRET, &school).await.unwrap().is_some(), "its address leads there still");
        assert_eq!(store.hours_of(SIRET, Some(&school)).await.unwrap().len(), 1);
        let coefficients = store.coefficients_of(SIRET).await.unwrap();
        let values: Vec<(&str, i64)> = coefficients.iter().map(|c| (c.name.as_str(), c.value)).collect();
        assert_eq!(values, [("cost", 3_000), ("rate", 10)], "what the organisation said stands");
        assert!(store.coefficients_of("bea").await.unwrap().is_empty());
        // Brought in step again, nothing moves.
        store.put_subscriber(&bea(Some(SIRET)), at(2)).await.unwrap();
        assert_eq!(store.operations_of(SIRET).await.unwrap().len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_latest_correction_that_nobody_took_back_stands_for_a_procedure() {
    for (_empty, store) in stores().await {
        let mut tx = store.begin_ingest_at(|| at(0)).await.unwrap();
        for record in ["1", "2"] {
            let notice = Notice::new("boamp", record, NoticeKind::Call);
            tx.put_notice(&notice, &Assessment::new(record, NoticeKind::Call), record, "p").await.unwrap();
        }
        assert!(tx.standing_correction("p").await.unwrap().is_none());
        let said = [("boamp:1", true, 1), ("boamp:2", true, 2), ("boamp:2", false, 3)];
        for (notice, holds, minute) in said {
            let correction = VerdictCorrection {
                notice: notice.to_owned(),
                subscriber: "bea".to_owned(),
                provisions: holds.then(Vec::new),
                note: String::new(),
                at: at(minute),
            };
            tx.put_verdict_correction(&correction).await.unwrap();
        }
        let stands = tx.standing_correction("p").await.unwrap();
        assert_eq!(stands.map(|c| c.notice).as_deref(), Some("boamp:1"), "the other was taken back");
        assert!(tx.standing_correction("q").await.unwrap().is_none());
        tx.commit().await.unwrap();
    }
}

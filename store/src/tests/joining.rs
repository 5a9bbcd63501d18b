//! What a person did before they spoke for a structure, and which correction stands for a procedure; on both engines.

use vigie_domain::follow_up::{Decision, Stage};
use vigie_domain::subscription::{Profile, Role};
use vigie_domain::{Assessment, Channel, Notice, NoticeKind, Subscriber};

use super::{at, stores};
use crate::address::AddressState;
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

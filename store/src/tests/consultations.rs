//! A consultation is one reader's: what another took meanwhile is not written over, on both engines.

use chrono::Duration;

use super::{Empty, at, person};
use crate::Store;
use crate::consultations::{GivenFiles, ReadingState};

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_took_is_not_written_over() {
    for empty in Empty::each() {
        let store = Store::open(&empty.url).await.unwrap();
        person(&store, "giver").await;
        let files = [("CCAP.pdf".to_owned(), vec![1_u8, 2], "print".to_owned())];
        let given = GivenFiles {
            structure: "s",
            procedure: "p",
            subscriber: "giver",
            name: "Une personne",
            answer_to: "",
            files: &files,
        };
        assert!(store.give_consultation_files(&given, 1_000, at(0)).await.unwrap());
        let lease = Duration::minutes(3);
        let (slow, _) = store.claim_consultation("slow", lease, at(0)).await.unwrap().unwrap();
        assert!(store.claim_consultation("quick", lease, at(0)).await.unwrap().is_none(), "it is being read");
        let later = at(0) + lease + Duration::seconds(1);
        let (quick, tries) = store.claim_consultation("quick", lease, later).await.unwrap().unwrap();
        assert_eq!((&quick.id, tries), (&slow.id, 1));
        let ids: Vec<String> = store.waiting_files(&slow.id).await.unwrap().into_iter().map(|f| f.id).collect();
        let read = ReadingState::Read;
        assert!(!store.put_reading(&slow.id, "slow", (b"old", b"old"), &ids, read).await.unwrap());
        assert_eq!(store.waiting_files(&slow.id).await.unwrap().len(), 1, "its files stay for who reads them");
        assert!(store.put_reading(&slow.id, "quick", (b"new", b"new"), &ids, read).await.unwrap());
        let known = store.consultations_of("s", "p").await.unwrap();
        assert_eq!((known[0].state, known[0].findings.as_slice()), (read, b"new".as_slice()));
        assert!(store.waiting_files(&slow.id).await.unwrap().is_empty());
        assert!(!store.put_reading(&slow.id, "quick", (b"again", b""), &[], read).await.unwrap(), "it gave it back");
        store.close().await;
    }
}

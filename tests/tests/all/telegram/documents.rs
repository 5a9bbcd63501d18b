//! Documents sent in a chat: the pieces of a consultation.

use super::*;

/// The consultation file: sent under its alert, read by child processes of the binary, answered in the chat, searched there.
#[tokio::test(flavor = "multi_thread")]
async fn a_document_under_an_alert_is_read_and_answered_and_others_are_not_asked_for() {
    const CCAP: &str = "CAHIER DES CLAUSES ADMINISTRATIVES PARTICULIÈRES\n\nArticle 5 – Insertion\n\nLe titulaire réserve 800 heures de travail à des personnes éloignées de l’emploi.\nChaque heure d’insertion non réalisée donne lieu à une pénalité de 30 €.\n";
    let bench = Bench::new(vec![cleaning("26-100", "Nettoyage")], &person("Ada", "telegram = 501")).await;
    bench.double.person(ADA, "Ada");
    bench.double.person(502, "Inconnu");
    bench.pass(at(0, 0));
    let alert = bench.double.messages(ADA).pop().unwrap();
    let plain = |text: &str| text.replace(['\u{a0}', '\u{202f}'], " ");
    let last = |chat: i64| bench.double.messages(chat).pop().map(|m| plain(&m.text)).unwrap_or_default();

    // Nobody asked, nothing asked for: alone, of a stranger.
    bench.double.send_file(ADA, ADA, "CCAP.txt", CCAP.as_bytes(), None);
    bench.double.send_file(502, 502, "CCAP.txt", CCAP.as_bytes(), None);
    bench.pass(at(1, 0));
    assert!(last(ADA).contains("De quel marché est ce fichier"), "{}", last(ADA));
    let asked = || bench.double.calls().iter().filter(|c| c.method == "getfile").count();
    assert_eq!(asked(), 0);

    // Under its alert.
    bench.double.send_file(ADA, ADA, "CCAP.txt", CCAP.as_bytes(), Some(alert.id));
    bench.pass(at(2, 0));
    let said: Vec<String> = bench.double.messages(ADA).iter().map(|m| plain(&m.text)).collect();
    assert!(said.iter().any(|t| t.contains("« CCAP.txt » est reçu")), "{said:?}");
    let told = said.last().unwrap();
    for words in ["800 h", "Le titulaire réserve 800 heures", "CCAP (CCAP.txt), art. 5", "30 €"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert_eq!(asked(), 1);

    // Asked, under the alert and without it.
    for (minute, under) in [(3, Some(alert.id)), (4, None)] {
        match under {
            Some(id) => bench.double.reply(ADA, ADA, "/chercher pénalité", id),
            None => bench.double.say(ADA, ADA, "/chercher pénalité"),
        };
        bench.pass(at(minute, 0));
        assert!(last(ADA).contains("une pénalité de 30 €") && last(ADA).contains("art. 5"), "{}", last(ADA));
    }
    bench.double.say(ADA, ADA, "/dossier");
    bench.pass(at(5, 0));
    assert!(last(ADA).contains("800 h"), "{}", last(ADA));
    bench.double.say(ADA, ADA, "/chercher piscine");
    bench.pass(at(6, 0));
    assert!(last(ADA).contains("non trouvé"), "{}", last(ADA));

    // Longer than the server gives to bots.
    bench.double.send_file(ADA, ADA, "gros.zip", &vec![b'x'; 21 * 1024 * 1024], Some(alert.id));
    bench.pass(at(7, 0));
    assert!(last(ADA).contains("dépasse les 20 Mo"), "{}", last(ADA));
    assert_eq!(asked(), 1, "no byte of it is asked for");
}

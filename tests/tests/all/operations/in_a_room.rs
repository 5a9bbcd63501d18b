//! The same life, told in an encrypted room of a real homeserver: from the planned purchase to the table of its hours.

use super::*;
use crate::matrix::Salon;

/// What is said of it, which nobody but those in the room reads.
const NEVER_IN_CLEAR: [&str; 5] = ["Jaurès", "Martin SARL", "Dupont Peinture", "ce qui est nouveau", "Votre tableau"];

#[tokio::test(flavor = "multi_thread")]
async fn the_life_of_an_operation_is_told_in_an_encrypted_room_and_the_server_reads_nothing_of_it() {
    let Some(mut salon) = Salon::open().await else { return };
    let pages = Pages::start(at("2026-11-24T10:00:00+01:00"), &salon.settings).await.unwrap();
    cast(&pages).await;
    let service = &pages.app.service;
    let subscriber = service.store.subscriber("ana").await.unwrap().unwrap();
    let addresses = vec![(Channel::Matrix, salon.id(), AddressState::Active)];
    let known = NewSubscriber { subscriber, addresses, declared: false };
    service.store.put_subscriber(&known, service.clock.now()).await.unwrap();
    let of_62 = Filter { departments: Department::parse("62").into_iter().collect(), ..Filter::default() };
    pages.subscription("ana", &of_62).await.unwrap();
    salon.entered(&pages.app.delivery).await;
    let read = async |words: &str| {
        worker::drain(&pages.app.delivery).await.unwrap();
        let read = salon.claire.reads(words).await;
        assert!(read.encrypted, "{}", read.body);
        (read.event, plain(&read.body))
    };
    let asks = async |text: &str, words: &str| plain(&salon.asks(text, None, words).await.body);

    // The purchase that is planned becomes an operation under its alert, and is calibrated on the page.
    pages.take(&planned()).await.unwrap();
    let (alert, _) = read("école Jean Jaurès").await;
    let made = salon.asks("/operations suivre", Some(&alert), "C’est fait").await;
    assert!(made.body.contains("2026-001"), "{}", made.body);
    let page = format!("/operations/{}", service.store.operations_of(PLIE).await.unwrap()[0].id);
    let ana = pages.signed_in("ana").await.unwrap();
    let line =
        [("lot", ""), ("metier", "Maçonnerie"), ("montant", "1000000"), ("part", ""), ("taux", ""), ("cout", "")];
    done(&ana, &format!("{page}/calibrage"), &[&line[..], &[("avis", "Favorable")]].concat()).await;
    let one = asks("/operations 2026-001", "Calibrée").await;
    assert!(one.contains("833 heures"), "{one}");

    // The call asks for another figure.
    service.clock.set(at("2027-01-11T10:00:00+01:00"));
    pages.take(&call()).await.unwrap();
    read("Travaux de réhabilitation").await;
    pass(&pages, "2027-01-12T10:00:00+01:00").await;
    let (_, told) = read("ce qui est nouveau").await;
    assert!(told.contains("l’avis demande 600 heures, le calibrage en conseillait 833 : 233 de moins"), "{told}");

    // Two lots are awarded to two companies.
    service.clock.set(at("2027-04-01T10:00:00+02:00"));
    pages.take(&award()).await.unwrap();
    read("Martin SARL").await;
    pass(&pages, "2027-04-02T10:00:00+02:00").await;
    let (_, told) = read("ce qui est nouveau").await;
    assert!(told.contains("lot 1 attribué à Martin SARL, 400 heures dues"), "{told}");
    assert!(told.contains("lot 2 attribué à Dupont Peinture, 200 heures dues"), "{told}");
    let one = asks("/operations 2026-001", "Heures").await;
    assert!(
        one.contains("Attribuée")
            && one.contains("600 dues")
            && one.contains("Martin SARL")
            && one.contains("Dupont Peinture"),
        "{one}"
    );

    service.clock.set(at("2027-10-02T10:00:00+02:00"));
    // Hours come back; the room sees them, closes the operation, and hears of the table.
    let ana = pages.signed_in("ana").await.unwrap();
    let months = ["2027-04", "2027-05", "2027-06", "2027-07", "2027-08", "2027-09"];
    let mut table = "operation;mois;lot;entreprise;modalite;heures_prevues;heures_realisees\n".to_owned();
    for month in months {
        table.push_str(&format!(
            "2026-001;{month};1;Martin SARL;ETTI;60;70,5\n2026-001;{month};2;Dupont Peinture;embauche directe;30;35\n"
        ));
    }
    assert!(plain(&import(&ana, "heures", &table).await.body).contains("12 lignes ajoutées"));
    let one = asks("/operations 2026-001", "Heures").await;
    assert!(one.contains("En exécution") && one.contains("600 dues, 540 prévues, 633 réalisées"), "{one}");
    for lot in ["Lot 1, Martin SARL : 423 heures sur 400 dues", "Lot 2, Dupont Peinture : 210 heures sur 200 dues"] {
        assert!(one.contains(lot), "« {lot} » is missing: {one}");
    }
    done(&ana, "/operations/tableau", &[("modele", "monthly"), ("place_month", "1"), ("jour", "5")]).await;
    pass(&pages, "2027-10-05T10:00:00+02:00").await;
    let (_, told) = read("Votre tableau").await;
    assert!(
        told.contains("septembre 2027 est prêt") && told.contains("2 lignes") && told.contains("105,5 heures"),
        "{told}"
    );
    let closed = asks("/operations état 2026-001 : terminée", "C’est noté").await;
    assert!(closed.contains("Terminée") || closed.contains("terminée"), "{closed}");
    salon.stays_shut(&NEVER_IN_CLEAR);
}

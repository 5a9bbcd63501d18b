//! The page of hours as somebody types on it: what is left empty stays, what is taken away comes back, and who is late is told by lot.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn hours_are_typed_bit_by_bit_and_a_slip_of_the_pen_costs_nothing() {
    let pages = Pages::start(at("2026-10-20T10:00:00+02:00"), "").await.unwrap();
    cast(&pages).await;
    let procedure = pages.take(&planned()).await.unwrap();
    let ana = pages.signed_in("ana").await.unwrap();
    let page = done(&ana, "/operations/suivre", &[("procedure", &procedure)]).await;
    let hours = format!("{page}/heures");
    let row = |lot: &'static str, company: &'static str| {
        [("mois", "nov. 2026"), ("lot", lot), ("entreprise", company), ("modalite", "direct")]
    };
    let with =
        |key: [(&'static str, &'static str); 4], more: &[(&'static str, &'static str)]| [&key[..], more].concat();
    // Planned in October, with the company; done in November. What was planned stays.
    let written = done(&ana, &hours, &with(row("1", "BTP Nord"), &[("prevues", "120")])).await;
    assert!(written.ends_with("#fait"), "{written}");
    done(&ana, &hours, &with(row("2", "Peintures Artois"), &[("prevues", "60")])).await;
    pages.app.service.clock.set(at("2026-12-01T10:00:00+01:00"));
    let ana = pages.signed_in("ana").await.unwrap();
    let said = ok(&ana, &done(&ana, &hours, &with(row("1", "BTP Nord"), &[("realisees", "40")])).await).await;
    assert!(
        said.contains("novembre 2026, lot 1, BTP Nord, embauche directe : 120 heures prévues, 40 réalisées"),
        "{said}"
    );
    // Lot 1 is told at once, since its company said its hours; lot 2 is awaited.
    assert!(said.contains("Lot 1 : fin novembre 2026, 40 heures réalisées pour 120 prévues"), "{said}");
    assert!(said.contains("à partir du 15 décembre 2026"), "{said}");
    assert!(said.contains("80 heures de moins que prévu") && said.contains("60 heures de moins que prévu"), "{said}");
    // What may be a slip of the pen is said, and nothing is refused for it.
    let slip = ok(&ana, &done(&ana, &hours, &with(row("2", "Peintures Artoi"), &[("realisees", "30")])).await).await;
    assert!(slip.contains("« Peintures Artoi » est une entreprise nouvelle"), "{slip}");
    let away = with(row("2", "Peintures Artoi"), &[("faire", "retirer")]);
    let removed = plain(&ana.post_form(&hours, &away).await.unwrap().body);
    assert!(removed.contains("C’est retiré : novembre 2026, lot 2, Peintures Artoi"), "{removed}");
    assert!(
        removed.contains("Remettre cette ligne") && removed.contains("name=\"realisees\" value=\"30\""),
        "{removed}"
    );
    // A plan without a company beside one with: they add up, and the page says so.
    let twice = ok(&ana, &done(&ana, &hours, &with(row("1", ""), &[("prevues", "120")])).await).await;
    assert!(twice.contains("elles s’ajoutent"), "{twice}");
    ana.post_form(&hours, &with(row("1", ""), &[("faire", "retirer")])).await.unwrap();
    // A line is taken up whole, and is as it is left.
    let open = ok(&ana, &format!("{hours}?mois=11%2F2026&lot=1&entreprise=BTP+Nord&modalite=direct")).await;
    assert!(open.contains("Vous modifiez une ligne") && open.contains("name=\"prevues\" value=\"120\""), "{open}");
    done(&ana, &hours, &with(row("1", "BTP Nord"), &[("tout", "oui"), ("realisees", "41")])).await;
    let rows = pages.app.service.store.hours_of(PLIE, None).await.unwrap();
    let of_one: Vec<(i64, i64)> =
        rows.iter().filter(|h| h.row.lot == "1").map(|h| (h.row.planned.0, h.row.done.0)).collect();
    assert_eq!(of_one, [(0, 4_100)]);
    // The next month follows, of the same lot and company.
    let next = with(row("1", "BTP Nord"), &[("prevues", "120"), ("puis", "suivant")]);
    let shown = ok(&ana, &done(&ana, &hours, &next).await).await;
    assert!(shown.contains("name=\"mois\" maxlength=\"60\" value=\"12/2026\""), "{shown}");
    assert!(shown.contains("value=\"BTP Nord\""), "{shown}");
    // The list keeps those that are late alone.
    assert!(ok(&ana, "/operations?retard=oui").await.contains("heures en retard"));
}

/// A holder's number is that of the hours which are typed by its name, whichever was written first.
#[tokio::test(flavor = "multi_thread")]
async fn a_company_is_one_by_its_name_and_by_its_number() {
    let pages = Pages::start(at("2026-12-01T10:00:00+01:00"), "").await.unwrap();
    cast(&pages).await;
    let procedure = pages.take(&planned()).await.unwrap();
    let ana = pages.signed_in("ana").await.unwrap();
    let page = done(&ana, "/operations/suivre", &[("procedure", &procedure)]).await;
    let hours = format!("{page}/heures");
    let typed = |month: &'static str| {
        [
            ("mois", month),
            ("lot", "1"),
            ("entreprise", "Bâtiments du Nord"),
            ("modalite", "direct"),
            ("realisees", "60,5"),
        ]
    };
    done(&ana, &hours, &typed("2026-10")).await;
    let holder = [("lot", "1"), ("entreprise", "Bâtiments du Nord"), ("siret", "26620001400011"), ("dues", "833")];
    let back = done(&ana, &format!("{page}/lots"), &holder).await;
    assert!(ok(&ana, &back).await.contains("C’est enregistré"), "{back}");
    done(&ana, &hours, &typed("2026-11")).await;
    let rows = pages.app.service.store.hours_of(PLIE, None).await.unwrap();
    let numbers: Vec<Option<&str>> = rows.iter().map(|h| h.row.siret.as_deref()).collect();
    assert_eq!(numbers, [Some("26620001400011"); 2]);
    // A row that kept its name alone, beside one with the number, is the one that is meant by it.
    let mut by_name = rows[0].clone();
    by_name.row.siret = None;
    pages.app.service.store.put_hours(PLIE, &[by_name]).await.unwrap();
    let gone = ana.post_form(&hours, &[&typed("2026-10")[..4], &[("faire", "retirer")]].concat()).await.unwrap();
    assert_eq!(gone.status, 200, "{}", gone.body);
    let rows = pages.app.service.store.hours_of(PLIE, None).await.unwrap();
    let numbers: Vec<Option<&str>> = rows.iter().map(|h| h.row.siret.as_deref()).collect();
    assert_eq!(numbers, [Some("26620001400011"); 2]);
}

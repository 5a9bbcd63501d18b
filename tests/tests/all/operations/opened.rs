//! Tables as a spreadsheet opens them: the monthly one, and the clauses of a month of real notices.

use std::collections::BTreeSet;

use vigie_notifier::card::provision_label;
use vigie_service::operations::report::{self, Model};
use vigie_tests::shared;

use super::*;

/// What LibreOffice makes of a table, as a flat spreadsheet; `None` (said) where it is not there.
fn in_libreoffice(table: &[u8]) -> Option<String> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("t.csv"), table).unwrap();
    // Semicolons, quotation marks, UTF-8, the first row on, French numbers.
    let done = std::process::Command::new("soffice")
        .arg(format!("-env:UserInstallation=file://{}/profile", dir.path().display()))
        .args(["--headless", "--infilter=Text - txt - csv (StarCalc):59,34,76,1,,1036", "--convert-to", "fods"])
        .args(["t.csv"])
        .current_dir(dir.path())
        .output();
    match done {
        Ok(out) if out.status.success() => std::fs::read_to_string(dir.path().join("t.fods")).ok(),
        other => {
            assert!(!vigie_tests::shared::required("libreoffice"), "VIGIE_REQUIRE names libreoffice: {other:?}");
            vigie_tests::shared::skip("no LibreOffice (soffice) that converts");
            None
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_monthly_table_opens_in_libreoffice_with_its_accents_and_numbers() {
    let pages = Pages::start(at("2027-10-01T10:00:00+02:00"), "").await.unwrap();
    cast(&pages).await;
    let service = &pages.app.service;
    tables::import(service, PLIE, "reference;objet;suivi_par\nÉ-1;Réfection d’œuvre;Zoé\n".as_bytes())
        .await
        .unwrap()
        .unwrap();
    let hours =
        "operation;mois;entreprise;modalite;heures_realisees;remarque\nÉ-1;2027-09;Bâti ; fils;GEIQ;1250,5;=1+1\n";
    let hours = hours.replace("Bâti ; fils", "\"Bâti ; fils\"");
    let read = operations::hours_table::import(service, PLIE, None, hours.as_bytes()).await.unwrap().unwrap();
    assert_eq!((read.made, read.refused.len()), (1, 0), "{read:?}");
    let layout = operations::report::Layout::of(operations::report::Model::Monthly);
    let month = NaiveDate::from_ymd_opt(2027, 9, 1).unwrap();
    let table = operations::report::monthly(service, PLIE, &layout, month).await.unwrap().file().unwrap();
    if let Some(sheet) = in_libreoffice(&table) {
        for said in
            ["Heures réalisées dans le mois", "Réfection d’œuvre", "Bâti ; fils", "office:value=\"1250.5\"", "GEIQ"]
        {
            assert!(sheet.contains(said), "« {said} » is missing");
        }
        assert!(!sheet.contains("table:formula"), "no cell is a formula");
    }
}

/// What was read in a real notice by people.
struct Labelled {
    id: String,
    /// The kinds of provisions that it has.
    kinds: BTreeSet<&'static str>,
    /// Hours that its clause asks for, where it says so.
    hours: Option<u64>,
}

/// What readers of the recorded notices found, but for those of which they were not sure.
fn labels() -> Option<Vec<Labelled>> {
    let text = std::fs::read_to_string(shared::data("gold/labels.jsonl")?).unwrap();
    let rows = text.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap());
    let sure = rows.filter(|l| l["confidence"] != "low");
    let label = |l: serde_json::Value| {
        let kinds = [
            (l["reserved"] != "none", ProvisionKind::Reserved),
            (l["clause"] == true, ProvisionKind::ExecutionClause),
            (l["criterion"] == true, ProvisionKind::AwardCriterion),
            (l["insertion_service"] == true, ProvisionKind::InsertionService),
        ];
        let kinds = kinds.into_iter().filter(|(said, _)| *said).map(|(_, kind)| provision_label(kind)).collect();
        Labelled { id: l["id"].as_str().unwrap().to_owned(), kinds, hours: l["hours"].as_u64() }
    };
    Some(sure.map(label).collect())
}

/// Every real notice that is recorded, as published in one month.
fn real_month() -> Option<Vec<Notice>> {
    let mut notices = shared::real_notices().unwrap()?;
    for (n, notice) in notices.iter_mut().enumerate() {
        notice.published = NaiveDate::from_ymd_opt(2027, 9, 1 + (n % 30) as u32);
    }
    Some(notices)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_new_clauses_of_a_month_of_real_notices_are_the_same_bytes_twice_and_open_in_libreoffice() {
    let (Some(notices), Some(labels)) = (real_month(), labels()) else { return };
    let pages = Pages::start(at("2027-10-01T10:00:00+02:00"), "").await.unwrap();
    cast(&pages).await;
    let service = &pages.app.service;
    let mut places: Vec<Department> = notices.iter().flat_map(|n| n.departments.clone()).collect();
    places.sort();
    places.dedup();
    for notice in &notices {
        pages.take(notice).await.unwrap();
    }
    let ana = pages.signed_in("ana").await.unwrap();
    let list = places.iter().map(Department::as_str).collect::<Vec<_>>().join(", ");
    let settled: Vec<(String, String)> = Model::Clauses
        .columns()
        .iter()
        .enumerate()
        .map(|(n, c)| (format!("place_{}", c.as_str()), (n + 1).to_string()))
        .collect();
    let mut fields: Vec<(&str, &str)> = settled.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    fields.extend([
        ("modele", "clauses"),
        ("nom_link", "Avis en ligne"),
        ("departements", list.as_str()),
        ("jour", "5"),
    ]);
    done(&ana, "/operations/tableau", &fields).await;
    let path = "/tableaux/mensuel.csv?mois=2027-09";
    let first = ana.get(path).await.unwrap().body;
    assert_eq!(first, ana.get(path).await.unwrap().body, "made twice");
    let mut lines = first.trim_start_matches('\u{feff}').lines();
    let head = "Date;Source;Acheteur;Objet;Lots;Disposition;Heures ou part;Date limite;Avis en ligne";
    assert_eq!(lines.next(), Some(head));
    let (layout, day) = report::layout(service, PLIE).await.unwrap();
    assert_eq!((layout.model, day), (Model::Clauses, 5));
    let month = NaiveDate::from_ymd_opt(2027, 9, 1).unwrap();
    let table = report::monthly(service, PLIE, &layout, month).await.unwrap();
    // What readers found in the notices that say where they are is in it, and nothing of the kind besides.
    let firm = [
        ProvisionKind::Reserved,
        ProvisionKind::ExecutionClause,
        ProvisionKind::AwardCriterion,
        ProvisionKind::InsertionService,
    ];
    let firm: BTreeSet<&str> = firm.into_iter().map(provision_label).collect();
    let (mut of_readers, mut wrong) = (0, Vec::new());
    for label in &labels {
        let Some(notice) = notices.iter().find(|n| n.record_id == label.id).filter(|n| !n.departments.is_empty())
        else {
            continue;
        };
        let own: Vec<&Vec<String>> =
            table.rows.iter().filter(|r| r[1] == format!("{} {}", notice.source, label.id)).collect();
        let shown: BTreeSet<&str> = own.iter().map(|r| r[5].as_str()).filter(|kind| firm.contains(kind)).collect();
        of_readers += usize::from(!label.kinds.is_empty());
        if shown != label.kinds {
            wrong.push(format!("{}: {shown:?}, readers: {:?}", label.id, label.kinds));
        }
        if let Some(hours) = label.hours {
            let asked = own.iter().filter(|r| r[5] == provision_label(ProvisionKind::ExecutionClause));
            let counted: u64 = asked.filter_map(|r| r[6].trim_end_matches('h').trim().parse::<u64>().ok()).sum();
            assert_eq!(counted, hours, "{own:?}");
        }
    }
    eprintln!("{} notices, {} rows, {of_readers} of labelled notices", notices.len(), table.rows.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(of_readers >= 12, "labelled notices that say where they are: {of_readers}");
    let days: Vec<&str> = table.rows.iter().map(|r| r[0].as_str()).collect();
    assert!(days.is_sorted() && days.iter().all(|d| d.starts_with("2027-09-")), "{days:?}");
    let file = table.file().unwrap();
    if let Some(sheet) = in_libreoffice(&file) {
        for said in ["Heures ou part", "Clause d’insertion", "Marché réservé"] {
            assert!(sheet.contains(said), "« {said} » is missing");
        }
        assert!(!sheet.contains("table:formula"), "no cell is a formula");
        for row in &table.rows {
            assert!(sheet.contains(&row[1]), "{row:?} is missing");
        }
    }
    // It comes by mail on its day, with the same file.
    let told = pass(&pages, "2027-10-05T10:00:00+02:00").await;
    assert!(told.iter().any(|(who, b)| who == "ana" && b.contains("Nouvelles clauses du mois")), "{told:?}");
}

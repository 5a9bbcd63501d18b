//! Weight of every page, and time to its first byte, over a large database.
//!
//! `cargo run --release -p vigie-tests -- weigh --procedures 100000` fills a database of its own (a year of notices, 300 a
//! day, a person with alerts and decisions), serves the pages and asks for each as a signed-in operator.

use std::io::Write;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use vigie_domain::procedure::Snapshot;
use vigie_domain::subscription::Role;
use vigie_domain::{
    Alert, AlertKind, DateKind, Decision, Department, Disposition, Filter, Lot, Notice, NoticeKind, Passage, Stage,
    TypedDate,
};
use vigie_service::Clock;
use vigie_service::ingest::search_row;
use vigie_store::ingest::NewNotification;
use vigie_store::search::Tells;
use vigie_store::tokens::Scope;
use vigie_tests::pages::Pages;
use vigie_tests::service::Outcome;
use vigie_watcher::classify;
use vigie_web::account;

/// Notices a day.
const A_DAY: usize = 300;
/// Procedures written in one transaction.
const BATCH: usize = 500;
/// Times each page is asked for.
const TIMES: usize = 15;
/// Heaviest page allowed, in bytes.
const MOST: usize = 60_000;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Procedures in the database
    #[arg(long, default_value_t = 100_000)]
    procedures: usize,
    /// Then goes on serving, and prints a sign-in link and tokens, for other programs to try
    #[arg(long)]
    serve: bool,
}

/// A notice of that number; twelve kinds of object, every département.
fn notice(n: usize, now: DateTime<Utc>) -> Notice {
    const OBJECTS: [&str; 6] = [
        "Location et entretien du linge",
        "Nettoyage des locaux",
        "Entretien des espaces verts",
        "Travaux de voirie",
        "Fourniture de repas en liaison froide",
        "Collecte et tri du papier",
    ];
    const TEXTS: [&str; 2] = [
        "Le lot 1 est réservé aux entreprises adaptées et aux établissements et services d’accompagnement par le travail, en application de l’article L2113-12.",
        "Le titulaire réalisera 350 heures d’insertion au profit de personnes éloignées de l’emploi. Les candidats présentent leurs références.",
    ];
    let departments = ["59", "62", "75", "13", "69", "33", "2A", "974", "35", "67"];
    let mut notice = Notice::new("boamp", format!("26-{n}"), NoticeKind::Call);
    notice.title = format!("{}, marché {n}", OBJECTS[n % 6]);
    notice.buyer.name = format!("Ville d’Exemple {}", n % 900);
    notice.buyer.siret = Some(format!("21{:07}00017", n % 900));
    notice.departments.extend(Department::parse(departments[n % departments.len()]));
    notice.published = Some(now.date_naive());
    notice.url = Some(format!("https://www.boamp.fr/pages/avis/?q=idweb:26-{n}"));
    let closes = (now + chrono::Duration::days(28)).fixed_offset();
    notice.dates.push(TypedDate::of_field(DateKind::Tender, (closes, true), "dateReceptionOffres"));
    for lot in 1..=3 {
        notice.lots.push(Lot { id: lot.to_string(), title: format!("Secteur {lot}"), ..Lot::default() });
    }
    if n % 12 < 6 {
        let text = TEXTS[n % 2].to_owned();
        notice.passages.push(Passage { field: "rensgComplt".into(), lot: None, text });
    }
    notice
}

/// Writes every procedure as an ingest does, many in a transaction.
async fn fill(pages: &Pages, procedures: usize, now: DateTime<Utc>) -> Outcome<Vec<String>> {
    let judged: Vec<_> = (0..12).map(|n| classify::classify(&notice(n, now))).collect();
    let mut ids = Vec::with_capacity(procedures);
    for first in (0..procedures).step_by(BATCH) {
        let days = i64::try_from((procedures - first) / A_DAY)?;
        let at = now - chrono::Duration::days(days);
        let mut tx = pages.app.service.store.begin_ingest(at).await?;
        for n in first..(first + BATCH).min(procedures) {
            let notice = notice(n, at);
            let mut assessment = judged[n % 12].clone();
            assessment.title.clone_from(&notice.title);
            assessment.buyer = Some(notice.buyer.name.clone());
            assessment.departments.clone_from(&notice.departments);
            assessment.dates.clone_from(&notice.dates);
            let (id, state) = (format!("p{n:08}"), Snapshot::of(&assessment));
            tx.put_procedure(&id, &assessment.title, &state, &[]).await?;
            tx.put_notice(&notice, &assessment, "weigh", &id).await?;
            tx.put_search_row(&search_row::row(&id, &notice, &assessment, &state, at), Tells::All).await?;
            if n % 20 == 0 {
                let alert = Alert {
                    id: format!("a{n}"),
                    kind: AlertKind::New,
                    procedure: id.clone(),
                    notice: notice.key(),
                    changes: Vec::new(),
                };
                let share = NewNotification {
                    subscriber: "chef".into(),
                    subscription: None,
                    disposition: Disposition::Digest,
                    reasons: "{}".into(),
                    due: None,
                };
                tx.put_alert(&alert, None).await?;
                tx.put_notifications(&alert.id, &[(share, Vec::new())]).await?;
            }
            ids.push(id);
        }
        tx.commit().await?;
    }
    Ok(ids)
}

pub(crate) async fn run(args: &Args) -> Outcome<bool> {
    let mut out = std::io::stdout().lock();
    let dir = tempfile::tempdir()?;
    let url = format!("sqlite:{}", dir.path().join("weigh.sqlite").display());
    let now = Utc::now();
    let pages = Pages::start_on(dir, &url, Clock::fixed(now), "[[source]]\nid = \"boamp\"\nkind = \"boamp\"\n").await?;
    pages.person("chef", "Dominique Chef", Role::Operator, Some("21590350100017")).await?;
    let wish = Filter { sectors: vec!["blanchisserie".into()], ..Filter::default() };
    let subscription = pages.subscription("chef", &wish).await?;
    let began = Instant::now();
    let ids = fill(&pages, args.procedures, now).await?;
    for id in ids.iter().rev().step_by(40).take(200) {
        pages.app.service.store.decide(&Decision::new("21590350100017", id, Stage::Go, "Dominique Chef", now)).await?;
    }
    writeln!(out, "{} procedures in {:.0} s", ids.len(), began.elapsed().as_secs_f64())?;
    let visitor = pages.signed_in("chef").await?;
    let last = ids.last().ok_or("no procedure")?;
    let paths = [
        "/".to_owned(),
        format!("/procedure/{last}"),
        "/chercher".to_owned(),
        "/chercher?etat=tous&q=marche".to_owned(),
        "/chercher?etat=tous&q=introuvable".to_owned(),
        "/chercher?disposition=reserved&departement=59&secteur=blanchisserie&acheteur=commune".to_owned(),
        "/abonnements".to_owned(),
        "/abonnements/nouveau".to_owned(),
        format!("/abonnements/{subscription}"),
        "/mois".to_owned(),
        "/compte".to_owned(),
        "/exploitation".to_owned(),
        "/exploitation/sources".to_owned(),
        "/exploitation/envois".to_owned(),
        "/exploitation/personnes".to_owned(),
        "/tableaux/recherche.csv?etat=tous".to_owned(),
        "/style.css".to_owned(),
    ];
    writeln!(out, "{:>9} {:>8} {:>8}  page", "bytes", "p50 ms", "max ms")?;
    let mut heavy = Vec::new();
    for path in &paths {
        let mut times: Vec<Duration> = Vec::new();
        let mut bytes = 0;
        for _ in 0..TIMES {
            let began = Instant::now();
            let answer = visitor.get(path).await?;
            times.push(answer.first_byte.duration_since(began));
            if answer.status != 200 {
                return Err(format!("{path}: {} {}", answer.status, answer.body).into());
            }
            bytes = answer.body.len();
        }
        times.sort_unstable();
        let ms = |d: Duration| d.as_secs_f64() * 1_000.0;
        writeln!(out, "{bytes:>9} {:>8.1} {:>8.1}  {path}", ms(times[TIMES / 2]), ms(times[TIMES - 1]))?;
        if bytes > MOST && !path.contains(".csv") {
            heavy.push(path.clone());
        }
    }
    if args.serve {
        let secret = account::make_token(&pages.app.service, "chef", "essai", &Scope::OF_PROGRAMS, None)
            .await?
            .ok_or("too many tokens")?;
        writeln!(out, "{}\n{secret}", pages.link("chef").await?)?;
        for scope in [Scope::Calendar, Scope::Feed] {
            pages.app.service.store.put_token("chef", scope.as_str(), &[scope], scope.as_str(), None, now).await?;
        }
        for token in pages.app.service.store.tokens("chef").await? {
            writeln!(out, "{}", account::private_url(&pages.app.service, &token).unwrap_or_default())?;
        }
        out.flush()?;
        tokio::signal::ctrl_c().await?;
    }
    for page in &heavy {
        writeln!(out, "heavier than {MOST} bytes: {page}")?;
    }
    Ok(heavy.is_empty())
}

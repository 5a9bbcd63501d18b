//! Calibration: a sheet of lines with its formula and sources, to be printed, with the wording of the clause; and the organisation's own
//! coefficients.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect};
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::operation::Programme;
use vigie_domain::operation::calibration::{
    CLEANING_COST, CLEANING_SOURCE, Cleaning, CleaningAdvice, Line, NPNRU_SOURCE, ROUGH, SOURCE, Sheet, euros,
    euros_written, full_time, hundredths, least_rate, percent,
};
use vigie_domain::{Lot, Permission, french};
use vigie_notifier::card::short;
use vigie_service::operations::coefficients::{self, COST, Coefficients, InForce, RATE_NAME};
use vigie_service::operations::letter;
use vigie_service::operations::reserving::{self, Proposal};
use vigie_watcher::zones;

use super::{Follower, found};
use crate::frame::{Fields, Posted, Shown, Site, Trouble};

/// Most lines of a sheet.
const MAX_LINES: usize = 40;
/// Lines left empty at the end of the form.
const SPARE: usize = 2;
/// Most trades named where a share is missing.
const SHOWN_TRADES: usize = 6;
/// Longest opinion, in characters.
const MAX_OPINION: usize = 1_000;

/// A line of the form: as it was typed, or as it stands.
#[derive(Default, serde::Serialize)]
struct TypedLine {
    lot: String,
    trade: String,
    amount: String,
    share: String,
    rate: String,
    cost: String,
    /// No share of work is known for its trade, and none is written.
    share_unknown: bool,
}

/// Hundredths as a field shows them.
fn field(value: i64) -> String {
    vigie_domain::Hours(value).in_table()
}

impl TypedLine {
    fn of(line: &Line) -> Self {
        Self {
            lot: line.lot.clone(),
            trade: line.trade.clone(),
            amount: line.amount.to_string(),
            share: field(line.share),
            rate: field(line.rate),
            cost: field(line.cost),
            share_unknown: false,
        }
    }

    /// Whether it holds a figure: lots and trades of a notice stand there before anybody typed anything.
    fn counts(&self) -> bool {
        [&self.amount, &self.share, &self.rate, &self.cost].into_iter().any(|text| !text.is_empty())
    }

    fn is_empty(&self) -> bool {
        !self.counts() && self.lot.is_empty() && self.trade.is_empty()
    }

    /// The line; what is left empty is what the coefficients say.
    fn line(&self, known: &Coefficients, programme: Programme) -> Result<Line, String> {
        let named = if self.trade.is_empty() { "une ligne sans métier" } else { &self.trade };
        let of =
            |text: &str, name: &str| hundredths(text).ok_or_else(|| format!("{name} illisible « {text} » ({named})"));
        if self.amount.is_empty() {
            return Err(format!("le montant manque ({named})"));
        }
        let amount = euros_written(&self.amount)
            .filter(|a| *a <= 1_000_000_000_000)
            .ok_or_else(|| format!("montant illisible « {} » ({named})", self.amount))?;
        let share = match (self.share.as_str(), known.share(&self.trade)) {
            ("", Some(share)) => share.value,
            ("", None) => return Err(format!("écrivez la part de main-d’œuvre de « {named} », qui n’est pas connue")),
            (text, _) => of(text, "part")?,
        };
        let rate = match self.rate.as_str() {
            "" => known.rate.value.max(least_rate(programme).unwrap_or_default()),
            text => of(text, "taux")?,
        };
        let cost = if self.cost.is_empty() { known.cost.value } else { of(&self.cost, "coût horaire")? };
        if !(1..=10_000).contains(&share) || !(1..=10_000).contains(&rate) || !(500..=20_000).contains(&cost) {
            return Err(format!(
                "part et taux vont de 0,01 à 100\u{202f}%, le coût horaire de 5 à 200\u{a0}€ ({named})"
            ));
        }
        let lot = if self.lot.is_empty() { String::new() } else { short(&Lot::clean_id(&self.lot), 40) };
        Ok(Line { lot, trade: short(&self.trade, 120), amount, share, rate, cost })
    }
}

/// The lines that a form posts, in order.
fn posted(fields: &Fields) -> Vec<TypedLine> {
    let column = |name: &str| -> Vec<String> { fields.every(name).map(str::to_owned).collect() };
    let (lots, trades, amounts) = (column("lot"), column("metier"), column("montant"));
    let (shares, rates, costs) = (column("part"), column("taux"), column("cout"));
    let at = |of: &[String], n: usize| of.get(n).cloned().unwrap_or_default();
    (0..amounts.len().min(MAX_LINES))
        .map(|n| TypedLine {
            lot: at(&lots, n),
            trade: at(&trades, n),
            amount: at(&amounts, n),
            share: at(&shares, n),
            rate: at(&rates, n),
            cost: at(&costs, n),
            share_unknown: false,
        })
        .filter(|l| !l.is_empty())
        .collect()
}

/// A lot that could be reserved, as the page shows it.
#[derive(serde::Serialize)]
struct ShownProposal {
    title: String,
    advice: Option<&'static str>,
    in_reach: Vec<String>,
}

/// `None` where nothing is known of what is bought.
fn proposal(p: &Proposal) -> Option<ShownProposal> {
    let sorts = [(&p.adapted, "EA et ESAT"), (&p.insertion, "SIAE")];
    let in_reach: Vec<String> = sorts
        .iter()
        .map(|(sort, name)| reserving::in_reach_in_french(sort, name))
        .filter(|text| !text.is_empty())
        .collect();
    let title = match (p.lot.as_str(), p.trade.as_str()) {
        ("", "") => "L’ensemble".to_owned(),
        ("", trade) => french::capital(trade),
        (lot, "") => format!("Lot {lot}"),
        (lot, trade) => format!("Lot {lot}, {}", french::lower(trade)),
    };
    let known = !in_reach.is_empty() || !p.lot.is_empty() || !p.trade.is_empty();
    known.then(|| ShownProposal { title, advice: p.advice(), in_reach })
}

/// A coefficient as pages show it.
#[derive(serde::Serialize)]
struct ShownCoefficient {
    name: String,
    label: String,
    value: String,
    field: String,
    source: String,
    set: Option<String>,
}

fn shown(c: &InForce) -> ShownCoefficient {
    let value = if c.name == COST { euros(c.value) } else { percent(c.value) };
    let set = c.set.as_ref().map(|(by, day)| format!("par {}, le {}", short(by, 60), french::date(*day)));
    ShownCoefficient {
        name: c.name.clone(),
        label: c.label.clone(),
        value,
        field: field(c.value),
        source: c.source.clone(),
        set,
    }
}

pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    follower: Follower,
    Path(id): Path<String>,
    fields: Fields,
) -> Shown {
    let o = found(&site, &follower.session, &id).await?;
    let structure = follower.session.structure();
    let sheet = site.service.store.sheet(structure, &id).await?;
    let mut lines: Vec<TypedLine> = sheet.iter().flat_map(|s| &s.lines).map(TypedLine::of).collect();
    if lines.is_empty() {
        // Lots and trades are those of the notice; the amount that is known is the first thing to calibrate.
        let works = reserving::works(&site.service, structure, &o).await?;
        let known = works.wanted().into_iter().take(MAX_LINES - SPARE);
        lines.extend(known.map(|(lot, trade)| TypedLine { lot, trade, ..TypedLine::default() }));
        // What is known is the amount of the whole: of several lots, it is none's.
        if let ([only], Some(amount)) = (lines.as_mut_slice(), o.amount) {
            only.amount = amount.to_string();
        }
    }
    page(&site, (&follower.visitor, structure), &o, (sheet, lines), "", &fields).await
}

async fn page(
    site: &Site,
    (visitor, structure): (&crate::frame::Visitor, &str),
    o: &vigie_domain::Operation,
    (sheet, mut lines): (Option<Sheet>, Vec<TypedLine>),
    fault: &str,
    fields: &Fields,
) -> Shown {
    let known = coefficients::of(&site.service, structure).await?;
    let opinion = sheet.as_ref().map(|s| s.opinion.clone()).unwrap_or_default();
    for line in &mut lines {
        line.share_unknown = line.share.is_empty() && !line.trade.is_empty() && known.share(&line.trade).is_none();
    }
    lines.extend((0..SPARE.min(MAX_LINES.saturating_sub(lines.len()))).map(|_| TypedLine::default()));
    let shares_known: Vec<String> = known.shares.iter().take(SHOWN_TRADES).map(|s| s.label.clone()).collect();
    let sheet = sheet.filter(|s| !s.lines.is_empty());
    let formulas: Vec<(String, String, String, String)> = sheet
        .iter()
        .flat_map(|s| &s.lines)
        .map(|l| {
            let source = known.share(&l.trade).map(|s| s.source.clone()).unwrap_or_default();
            (l.lot.clone(), l.trade.clone(), l.formula(), source)
        })
        .collect();
    let below: Vec<String> = sheet
        .iter()
        .flat_map(|s| s.below(o.programme))
        .map(|(l, least)| {
            let named = if l.lot.is_empty() { l.trade.clone() } else { format!("lot {}", l.lot) };
            format!("{named} : {} est sous le plancher de {} du programme", percent(l.rate), percent(least))
        })
        .collect();
    let asked = letter::asked(&site.service, structure, &o.id).await?;
    let reserving: Vec<ShownProposal> =
        reserving::of(&site.service, structure, o, sheet.as_ref()).await?.iter().filter_map(proposal).collect();
    let hours = sheet.as_ref().map(Sheet::hours);
    let status = if fault.is_empty() { axum::http::StatusCode::OK } else { axum::http::StatusCode::BAD_REQUEST };
    let values = context! {
        id => &o.id, reference => &o.reference, title => &o.title, buyer => &o.buyer,
        programme => (o.programme != Programme::Ordinary).then(|| o.programme.in_french()),
        lines => Serde(lines), fault => fault, opinion => opinion,
        hours => hours.map(|h| h.to_string()),
        full_time => hours.map(full_time),
        worked => sheet.as_ref().map(|s| s.lines.iter().map(Line::worked).sum::<vigie_domain::Hours>().to_string()),
        rough => sheet.as_ref().map(|s| s.rough().to_string()),
        rough_for => french::number(ROUGH as f64),
        amount => sheet.as_ref().map(|s| euros(s.amount() * 100)),
        on => sheet.as_ref().map(|s| french::date(s.on)),
        formulas => Serde(formulas), below => below, reserving => Serde(reserving),
        wording => sheet.as_ref().map(|s| s.wording(o.programme)),
        asked => asked.map(|(_, a)| french::capital(&letter::difference(hours, &a))),
        cost => Serde(shown(&known.cost)), rate => Serde(shown(&known.rate)),
        shares => Serde(known.shares.iter().map(shown).collect::<Vec<_>>()),
        shares_known => french::list(&shares_known), source => SOURCE, npnru_source => NPNRU_SOURCE, cleaning_source => CLEANING_SOURCE,
        cleaning => cleaning(fields), c => Serde(CleaningTyped::of(fields)),
        today => french::date(zones::paris_day(site.service.clock.now())),
        max_opinion => MAX_OPINION,
    };
    Ok(site.page_as(status, visitor, "calibrage.html", values))
}

/// Figures of cleaning with staff to be taken over, as typed.
#[derive(serde::Serialize)]
struct CleaningTyped {
    amount: String,
    months: String,
    hours: String,
    rate: String,
}

impl CleaningTyped {
    fn of(fields: &Fields) -> Self {
        let text = |name: &str| short(fields.one(name), 40);
        Self {
            amount: text("reprise_montant"),
            months: text("reprise_mois"),
            hours: text("reprise_heures"),
            rate: text("reprise_taux"),
        }
    }

    /// The figures; `None` where one cannot be read.
    fn figures(&self) -> Option<Cleaning> {
        Some(Cleaning {
            amount: euros_written(&self.amount)?,
            months: self.months.parse().ok().filter(|m| (1..=120).contains(m))?,
            taken_over: vigie_domain::Hours::written(&self.hours)?.0 / 100,
            rate: hundredths(&self.rate).filter(|r| (1..=10_000).contains(r))?,
            cost: CLEANING_COST,
        })
    }
}

/// What the formula of cleaning says of what was typed; `None` where nothing was.
fn cleaning(fields: &Fields) -> Option<String> {
    let typed = CleaningTyped::of(fields);
    if typed.amount.is_empty() {
        return None;
    }
    let figures = typed.figures();
    let advice = figures.and_then(|f| Some((f, f.advice()?)));
    Some(match advice {
        None => "Écrivez un montant en euros, des mois, les heures mensuelles à reprendre et un taux.".to_owned(),
        Some((_, CleaningAdvice::NothingLeft)) => {
            "Le personnel à reprendre couvre tout le besoin, ou plus : une clause d’heures n’y a pas sa place."
                .to_owned()
        }
        Some((_, CleaningAdvice::TooFew(h))) => {
            format!("{h}\u{a0}heures : en dessous de 150\u{a0}heures, aucune clause n’est conseillée.")
        }
        Some((f, CleaningAdvice::Hours(h))) => format!(
            "{h}\u{a0}heures, soit {} de ce que la reprise laisse de {} à {} l’heure.",
            percent(f.rate),
            euros(f.amount * 100),
            euros(f.cost)
        ),
    })
}

pub(crate) async fn save(State(site): State<Arc<Site>>, Path(id): Path<String>, form: Posted) -> Shown {
    let o = found(&site, &form.session, &id).await?;
    let structure = form.session.structure();
    let known = coefficients::of(&site.service, structure).await?;
    let lines = posted(&form.fields);
    let counted = lines.iter().filter(|l| l.counts());
    let (read, faults): (Vec<_>, Vec<_>) = counted.map(|l| l.line(&known, o.programme)).partition(Result::is_ok);
    let faults: Vec<String> = faults.into_iter().filter_map(Result::err).collect();
    let mut read: Result<Vec<Line>, String> = match faults.is_empty() {
        true => Ok(read.into_iter().flatten().collect()),
        false => Err(faults.join(" ; ")),
    };
    let opinion = short(form.fields.one("avis"), MAX_OPINION);
    let on = zones::paris_day(site.service.clock.now());
    let says_nothing = read.as_ref().is_ok_and(Vec::is_empty) && opinion.is_empty();
    // A sheet that is there may be emptied.
    if says_nothing && site.service.store.sheet(structure, &id).await?.is_none() {
        read = Err("écrivez le montant d’une ligne au moins, ou votre avis".to_owned());
    }
    match read {
        Ok(read) => {
            let sheet = Sheet { lines: read, opinion, on };
            vigie_service::operations::calibrate(&site.service, structure, &id, &sheet).await?;
            Ok(Redirect::to(&format!("/operations/{id}/calibrage")).into_response())
        }
        Err(fault) => {
            let sheet = Sheet { opinion, on, ..Sheet::default() };
            page(&site, (&form.visitor, structure), &o, (Some(sheet), lines), &fault, &Fields::default()).await
        }
    }
}

pub(crate) async fn coefficients(State(site): State<Arc<Site>>, follower: Follower) -> Shown {
    let known = coefficients::of(&site.service, follower.session.structure()).await?;
    let values = context! {
        cost => Serde(shown(&known.cost)), rate => Serde(shown(&known.rate)),
        shares => Serde(known.shares.iter().map(shown).collect::<Vec<_>>()),
    };
    Ok(site.page(&follower.visitor, "coefficients.html", values))
}

pub(crate) async fn set_coefficient(State(site): State<Arc<Site>>, form: Posted) -> Shown {
    form.session.may(Permission::FollowOperations)?;
    let (structure, fields) = (form.session.structure(), &form.fields);
    let name = fields.one("nom");
    if fields.one("faire") == "revenir" {
        site.service.store.remove_coefficient(structure, name).await?;
    } else {
        let label = if [COST, RATE_NAME].contains(&name) { name } else { fields.one("metier") };
        let label = short(label, 120);
        let value = hundredths(fields.one("valeur"))
            .ok_or_else(|| Trouble::bad("Écrivez un nombre : 50 ou 12,5 pour une part, 27,50 pour un coût."))?;
        let source = short(fields.one("source"), 200);
        let done = coefficients::set(&site.service, structure, form.session.name(), (&label, value, &source)).await?;
        done.map_err(|fault| Trouble::bad(french::capital(&format!("{fault}."))))?;
    }
    Ok(Redirect::to("/operations/coefficients").into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Coefficients {
        let of = |name: &str, value| InForce {
            name: name.into(),
            label: name.into(),
            value,
            source: String::new(),
            set: None,
        };
        Coefficients { cost: of(COST, 3_000), rate: of(RATE_NAME, 500), shares: vec![of("maconnerie", 5_000)] }
    }

    #[test]
    fn what_is_left_empty_is_what_the_coefficients_say() {
        let typed = TypedLine { trade: "Maçonnerie".into(), amount: "1 M€".into(), ..TypedLine::default() };
        let line = typed.line(&known(), Programme::Ordinary).unwrap();
        assert_eq!((line.share, line.rate, line.cost), (5_000, 500, 3_000));
        assert_eq!(line.hours().to_string(), "833");
        assert_eq!(typed.line(&known(), Programme::UrbanManagement).unwrap().rate, 1_000, "the least of the programme");
        let unknown = TypedLine { trade: "Magie".into(), ..TypedLine::of(&line) };
        assert!(TypedLine { share: String::new(), ..unknown }.line(&known(), Programme::Ordinary).is_err());
        let back = TypedLine::of(&line).line(&known(), Programme::Ordinary).unwrap();
        assert_eq!(back, line);
    }

    #[test]
    fn a_row_without_an_amount_is_kept_and_an_empty_one_is_not() {
        let rows = [("1", "Maçonnerie", "abc"), ("3", "Peinture", ""), ("", "", "")];
        let pairs = rows.iter().flat_map(|(lot, trade, amount)| {
            let cells =
                [("lot", *lot), ("metier", *trade), ("montant", *amount), ("part", ""), ("taux", ""), ("cout", "")];
            cells.map(|(n, v)| (n.to_owned(), v.to_owned()))
        });
        let kept = posted(&Fields::of(pairs.collect()));
        let shown: Vec<(&str, &str)> = kept.iter().map(|l| (l.lot.as_str(), l.amount.as_str())).collect();
        assert_eq!(shown, [("1", "abc"), ("3", "")]);
    }

    #[test]
    fn cleaning_is_advised_on_what_the_staff_taken_over_leaves() {
        let of = |hours: &str| {
            let pairs = [
                ("reprise_montant", "480 000"),
                ("reprise_mois", "48"),
                ("reprise_heures", hours),
                ("reprise_taux", "20"),
            ];
            cleaning(&Fields::of(pairs.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec())).unwrap()
        };
        assert!(of("300").starts_with("960\u{a0}heures"), "{}", of("300"));
        assert!(of("390").contains("aucune clause"));
        assert!(of("400").contains("couvre tout"));
        assert!(of("trop").starts_with("Écrivez"));
        assert_eq!(cleaning(&Fields::default()), None);
    }
}

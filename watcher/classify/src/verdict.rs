//! From provisions and sectors to ways in, kinds of structure, score and reasons.

use vigie_domain::access::is_named;
use vigie_domain::french;
use vigie_domain::outcome::no_award_in_french;
use vigie_domain::{
    Beneficiary, Notice, NoticeKind, Outcome, Provision, ProvisionKind, Route, Sector, StructureKind, SupplyMode,
    notice::ContractNature,
};

/// What the verdict stands on.
pub struct Grounds<'a> {
    /// The notice.
    pub notice: &'a Notice,
    /// Provisions found.
    pub provisions: &'a [Provision],
    /// Sectors found.
    pub sectors: &'a [Sector],
    /// Number of lots.
    pub lots: usize,
}

/// Ways in, kinds, score, reasons.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Ways in.
    pub routes: Vec<Route>,
    /// Kinds that may answer or take part.
    pub eligible_kinds: Vec<StructureKind>,
    /// 0–100.
    pub score: u8,
    /// Why, in French, strongest first.
    pub reasons: Vec<String>,
}

/// A part of the score and its reason. Provisions are told before trades, whatever they weigh.
struct Point {
    first: bool,
    weight: i32,
    reason: String,
}

impl Grounds<'_> {
    fn has(&self, kind: ProvisionKind) -> bool {
        self.provisions.iter().any(|p| p.kind == kind)
    }

    fn of(&self, kind: ProvisionKind) -> impl Iterator<Item = &Provision> {
        self.provisions.iter().filter(move |p| p.kind == kind)
    }

    /// The need is people on loan rather than a service with a result.
    fn is_staff_need(&self) -> bool {
        let by_code = self.notice.cpv.iter().any(|c| c.as_str().starts_with("7962") || c.as_str().starts_with("7961"));
        by_code || super::fold::fold(&self.notice.title).contains("mise a disposition de personnel")
    }

    /// Everything is reserved, so that nothing is left for others.
    fn wholly_reserved(&self) -> bool {
        self.of(ProvisionKind::Reserved).any(|p| p.lots.is_empty() || p.lots.len() >= self.lots.max(1))
    }
}

/// Decides.
#[must_use]
pub fn decide(grounds: &Grounds<'_>) -> Verdict {
    let routes = routes(grounds);
    let eligible_kinds = kinds(grounds, &routes);
    let mut points = points(grounds);
    points.sort_by_key(|p| (!p.first, -p.weight));
    let sum: i32 = points.iter().map(|p| p.weight).sum();
    Verdict {
        routes,
        eligible_kinds,
        score: u8::try_from(sum.clamp(0, 100)).unwrap_or(0),
        reasons: points.into_iter().map(|p| p.reason).collect(),
    }
}

fn routes(g: &Grounds<'_>) -> Vec<Route> {
    let mut out = Vec::new();
    let ours = !g.sectors.is_empty();
    let clause = g.has(ProvisionKind::ExecutionClause);
    match g.notice.kind {
        NoticeKind::Cancellation | NoticeKind::NoAward | NoticeKind::Completion => return out,
        NoticeKind::Award | NoticeKind::ExAnte | NoticeKind::Modification => {
            if clause {
                out.push(Route::SubcontractOrStaff);
            }
            return out;
        }
        NoticeKind::PriorInformation | NoticeKind::Planned | NoticeKind::Event => out.push(Route::Sourcing),
        NoticeKind::Private => {
            if ours {
                out.push(Route::PrivateSupply);
            }
        }
        NoticeKind::Call | NoticeKind::Correction => {
            if g.has(ProvisionKind::Reserved) {
                out.push(Route::Reserved);
            }
            if (ours && !g.wholly_reserved()) || g.has(ProvisionKind::InsertionService) {
                out.push(Route::DirectBid);
            }
            if ours && (g.lots > 0 || clause || g.has(ProvisionKind::Reserved)) {
                out.push(Route::JointBid);
            }
        }
    }
    if clause {
        out.push(Route::SubcontractOrStaff);
    }
    out
}

fn kinds(g: &Grounds<'_>, routes: &[Route]) -> Vec<StructureKind> {
    let staff_need = g.is_staff_need();
    let supplies = |k: StructureKind| {
        let wanted = if staff_need { SupplyMode::Staff } else { SupplyMode::Service };
        k.supply_modes().contains(&wanted)
    };
    StructureKind::ALL
        .into_iter()
        .filter(|k| {
            let reserved = routes.contains(&Route::Reserved)
                && g.of(ProvisionKind::Reserved)
                    .filter_map(|p| Some((p, p.beneficiary?)))
                    .any(|(p, b)| k.may_bid(b) && (supplies(*k) || b == Beneficiary::Prison || is_named(*k, p)));
            let open = routes.iter().any(|r| matches!(r, Route::DirectBid | Route::PrivateSupply | Route::Sourcing))
                && supplies(*k)
                && *k != StructureKind::Sep
                && !g.sectors.is_empty();
            let hours = routes.contains(&Route::SubcontractOrStaff) && k.delivers_clause_hours();
            reserved || open || hours
        })
        .collect()
}

fn points(g: &Grounds<'_>) -> Vec<Point> {
    let mut out = Vec::new();
    let mut add = |weight: i32, reason: String| out.push(Point { first: false, weight, reason });
    let mut provisions = Vec::new();
    for p in g.of(ProvisionKind::Reserved) {
        let weight = match p.beneficiary {
            Some(Beneficiary::Disability | Beneficiary::Insertion | Beneficiary::Both) => 70,
            Some(Beneficiary::Unspecified) => 55,
            Some(Beneficiary::SocialEconomy) => 40,
            Some(Beneficiary::Prison) | None => 15,
        };
        let weight = if p.is_intended() { weight / 2 } else { weight };
        provisions.push((weight, reserved(p, g.lots)));
    }
    if g.has(ProvisionKind::InsertionService) {
        provisions.push((60, "Marché d’insertion : la prestation sert de support au parcours".to_owned()));
    }
    if let Some(p) = g.of(ProvisionKind::ExecutionClause).next() {
        let lots = all_lots(g.of(ProvisionKind::ExecutionClause));
        let counted = || g.of(ProvisionKind::ExecutionClause).filter(|p| p.hours.is_some());
        let hours: f64 = counted().filter_map(|p| p.hours).sum();
        let yearly = if counted().all(|p| p.hours_yearly) { " par an" } else { "" };
        let volume = match (hours > 0.0, p.percent) {
            (true, _) => format!(" : {} heures à réaliser{yearly}", french::number(hours)),
            (false, Some(percent)) => format!(" : {} % des heures", french::number(percent)),
            (false, None) => String::new(),
        };
        provisions.push((35, format!("Clause d’insertion{}{volume}", at_lots(&lots, g.lots))));
    }
    if let Some(p) = g.of(ProvisionKind::AwardCriterion).next() {
        let weight = p.weight.map(|w| format!(" ({} %)", french::number(w))).unwrap_or_default();
        provisions.push((20, format!("Un critère d’attribution porte sur la performance sociale{weight}")));
    }
    if g.sectors.is_empty() {
        add(0, "Aucun métier des structures reconnu dans l’objet".to_owned());
    } else {
        let rules = vigie_config::rules::Rules::embedded();
        let mut labels: Vec<&str> = g.sectors.iter().map(|s| rules.trade(s)).collect();
        labels.dedup();
        labels.truncate(3);
        add(
            if g.notice.natures == [ContractNature::Supplies] { 15 } else { 25 },
            format!("Métiers concernés : {}", labels.join(", ")),
        );
    }
    if g.lots > 1 && !g.sectors.is_empty() {
        add(5, format!("Divisé en {} lots", g.lots));
    }
    if g.notice.kind.is_result() {
        provisions.push((-20, result(g)));
    }
    if g.notice.kind == NoticeKind::Cancellation {
        add(-100, "Procédure annulée ou sans suite".to_owned());
    }
    if g.has(ProvisionKind::SocialConditionNotSeen) {
        add(3, "Aucune clause visible dans l’avis : à vérifier au CCAP".to_owned());
    }
    out.extend(provisions.into_iter().map(|(weight, reason)| Point { first: true, weight, reason }));
    out
}

/// What became of it, in words: awarded only where it was.
fn result(g: &Grounds<'_>) -> String {
    let mut winners: Vec<String> = Vec::new();
    for w in g.notice.awards.iter().flat_map(|a| &a.winners) {
        if !winners.contains(w) {
            winners.push(w.clone());
        }
    }
    let to = match winners.len() {
        0 => String::new(),
        1..=3 => format!(" à {}", french::list(&winners)),
        n => format!(" à {n} titulaires"),
    };
    let then = if g.has(ProvisionKind::ExecutionClause) {
        "\u{a0}: heures d’insertion à lui proposer en sous-traitance, mise à disposition ou candidats"
    } else {
        ""
    };
    let none = || g.notice.awards.iter().find(|a| a.outcome == Outcome::NoAward);
    match g.notice.kind {
        NoticeKind::NoAward => match none() {
            Some(award) => french::capital(&no_award_in_french(award.reason)),
            None => "Pas encore de titulaire\u{a0}: la procédure continue".to_owned(),
        },
        NoticeKind::ExAnte => format!("Attribution envisagée sans mise en concurrence{to}"),
        NoticeKind::Modification => "Modification d’un contrat en cours".to_owned(),
        NoticeKind::Completion => "Fin d’un contrat".to_owned(),
        _ => format!("Déjà attribué{to}{then}"),
    }
}

/// Lots of several provisions together; empty = all, as soon as one of them binds to all.
fn all_lots<'a>(provisions: impl Iterator<Item = &'a Provision>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for p in provisions {
        if p.lots.is_empty() {
            return Vec::new();
        }
        out.extend(p.lots.iter().filter(|l| !out.contains(l)).cloned().collect::<Vec<_>>());
    }
    out
}

/// "Réservé aux SIAE", "Lots 2 et 5 réservés aux EA et ESAT", "Réservation envisagée aux SIAE (lot 2)".
fn reserved(p: &Provision, lots: usize) -> String {
    let whole = p.lots.is_empty() || p.lots.len() == lots && lots > 1;
    let (of, to) = (french::lots(&p.lots, lots), recipients(p.beneficiary));
    match (p.is_intended(), whole) {
        (true, true) => format!("Réservation envisagée {to}"),
        (true, false) => format!("Réservation envisagée {to} ({of})"),
        (false, true) => format!("Réservé {to}"),
        (false, false) if p.lots.len() > 1 => format!("{} réservés {to}", french::capital(&of)),
        (false, false) => format!("{} réservé {to}", french::capital(&of)),
    }
}

/// "" for all lots, else " au lot 2", " aux lots 1 et 2", " à 45 des 173 lots".
fn at_lots(of: &[String], lots: usize) -> String {
    match of {
        [] => String::new(),
        all if all.len() == lots && lots > 1 => String::new(),
        [one] => format!(" au lot {one}"),
        several => match french::lots(several, lots) {
            named if named.starts_with("lots") => format!(" aux {named}"),
            counted => format!(" à {counted}"),
        },
    }
}

fn recipients(beneficiary: Option<Beneficiary>) -> &'static str {
    match beneficiary {
        Some(Beneficiary::Disability) => "aux EA et ESAT",
        Some(Beneficiary::Insertion) => "aux SIAE",
        Some(Beneficiary::Both) => "aux SIAE, EA et ESAT",
        Some(Beneficiary::Prison) => "à la production en établissement pénitentiaire",
        Some(Beneficiary::SocialEconomy) => "aux entreprises de l’économie sociale et solidaire",
        Some(Beneficiary::Unspecified) | None => "(l’avis ne dit pas à qui)",
    }
}

//! How contracts are put together out of what notices say: by lot, the surest statement first.

use chrono::{Days, Months, NaiveDate};

use super::statement::{Change, Published, Statement};
use super::{Amount, Contract, ContractState, DurationBasis, EndFormula, Lasts, LatestEnd, Owed, Stated, holders};
use crate::award::{Award, ContractModification};
use crate::outcome::{NoAwardReason, Outcome};
use crate::{Assessment, FactKind, Lot, Notice, NoticeKind, Provision, ProvisionKind, commune, french, object};

/// Least amount that is one, in euros: 0, 0.01 and 1 stand for "not known".
const LEAST_AMOUNT: f64 = 100.0;
/// Greatest amount that is one, in euros.
const GREATEST_AMOUNT: f64 = 1e10;
/// Longest duration that is one, in months: concessions last up to forty years, 999 stands for "not known".
const LONGEST: f64 = 480.0;
/// Mean length of a month, for parts of one.
const DAYS_A_MONTH: f64 = 30.4;

/// The contracts of a procedure, by lot, out of its notices in whatever order.
#[must_use]
pub fn contracts(procedure: &str, notices: &[Published<'_>]) -> Vec<Contract> {
    let base = base(notices);
    let known: Vec<(String, String)> =
        base.map(|b| b.assessment.lots.iter().map(|l| (l.id.clone(), l.title.clone())).collect()).unwrap_or_default();
    let mut by_lot: Vec<(String, Vec<Statement<'_>>)> = Vec::new();
    for statement in notices.iter().flat_map(|of| statements(*of, &known)) {
        let lot = statement.award.lot.clone().unwrap_or_default();
        match by_lot.iter_mut().find(|(l, _)| *l == lot) {
            Some((_, told)) => told.push(statement),
            None => by_lot.push((lot, vec![statement])),
        }
    }
    let mut out: Vec<Contract> =
        by_lot.into_iter().filter_map(|(lot, told)| contract(procedure, lot, told, base, &known)).collect();
    out.sort_by(|a, b| Lot::order(&a.lot).cmp(&Lot::order(&b.lot)));
    out
}

/// The notice that says what was asked for: the latest that is no result nor cancellation; else the latest.
#[must_use]
pub fn base<'a>(notices: &[Published<'a>]) -> Option<Published<'a>> {
    let whole = |p: &&Published<'_>| p.notice.kind == NoticeKind::Correction || !p.notice.kind.is_follow_up();
    let latest = |a: &&Published<'_>, b: &&Published<'_>| a.notice.published.cmp(&b.notice.published);
    notices.iter().filter(whole).max_by(latest).or_else(|| notices.iter().max_by(latest)).copied()
}

/// What a notice says of contracts: one statement a lot that it names.
fn statements<'a>(of: Published<'a>, known: &[(String, String)]) -> Vec<Statement<'a>> {
    let kind = of.notice.kind;
    let tells = matches!(
        kind,
        NoticeKind::Award
            | NoticeKind::NoAward
            | NoticeKind::Modification
            | NoticeKind::Completion
            | NoticeKind::Cancellation
    );
    if !tells {
        return Vec::new();
    }
    let mut awards = of.assessment.awards.clone();
    if awards.is_empty() {
        let outcome = match kind {
            NoticeKind::NoAward | NoticeKind::Cancellation => Outcome::NoAward,
            _ => Outcome::Awarded,
        };
        // A contract under way is that of the lots which the notice itself lists.
        let listed: Vec<Option<String>> = match kind {
            NoticeKind::Modification | NoticeKind::Completion if !of.notice.lots.is_empty() => {
                of.notice.lots.iter().map(|l| Some(l.id.clone())).collect()
            }
            _ => vec![None],
        };
        awards = listed.into_iter().map(|lot| Award { lot, outcome, ..Award::default() }).collect();
    }
    awards
        .into_iter()
        .filter(|a| matches!(a.outcome, Outcome::Awarded | Outcome::NoAward))
        .map(|mut award| {
            award.lot = lot_of(&award, &of.notice.title, known);
            Statement { of, key: of.notice.key(), award }
        })
        .collect()
}

/// Names the lot of each single contract that a result tells of, where its title says which of the known lots it is of.
pub fn name_lots(result: &mut Assessment) {
    let known: Vec<(String, String)> = result.lots.iter().map(|l| (l.id.clone(), l.title.clone())).collect();
    let title = result.title.clone();
    for award in result.awards.iter_mut().filter(|a| a.is_of_one_contract() && a.lot.is_none()) {
        award.lot = lot_of(award, &title, &known);
    }
}

/// The lot that an award is about: as it says; else the only one there is, or the one whose title the notice's repeats.
fn lot_of(award: &Award, title_of_notice: &str, known: &[(String, String)]) -> Option<String> {
    let said = award.lot.as_deref().map(Lot::clean_id);
    match (said, known) {
        (Some(lot), []) => Some(lot),
        (Some(lot), _) => {
            let found = known.iter().find(|(id, _)| Lot::clean_id(id).eq_ignore_ascii_case(&lot));
            Some(found.map_or(lot, |(id, _)| id.clone()))
        }
        (None, [(only, _)]) => Some(only.clone()),
        (None, _) => {
            let mut alike = known
                .iter()
                .filter(|(_, title)| !title.is_empty() && object::alike((title, &[]), (title_of_notice, &[])));
            match (alike.next(), alike.next()) {
                (Some((id, _)), None) => Some(id.clone()),
                _ => None,
            }
        }
    }
}

/// The contract of one lot.
fn contract(
    procedure: &str,
    lot: String,
    mut told: Vec<Statement<'_>>,
    base: Option<Published<'_>>,
    known: &[(String, String)],
) -> Option<Contract> {
    // The surest first, of equals the latest; the key makes the order one and the same whatever came first.
    told.sort_by(|a, b| {
        b.trust().cmp(&a.trust()).then_with(|| b.published().cmp(&a.published())).then_with(|| a.key.cmp(&b.key))
    });
    let (state, reason) = state(&told);
    let awards: Vec<&Statement<'_>> = told
        .iter()
        .filter(|s| s.award.outcome == Outcome::Awarded && s.of.notice.kind != NoticeKind::Cancellation)
        .collect();
    let base = base.or_else(|| told.first().map(|s| s.of))?;
    let mut out = Contract {
        procedure: procedure.to_owned(),
        lot_unknown: lot.is_empty() && known.len() > 1,
        state,
        reason: reason.filter(|_| state != ContractState::Awarded),
        ..Contract::default()
    };
    out.describe(&lot, base, &told);
    out.lot = lot;
    if matches!(state, ContractState::NotAwarded | ContractState::Cancelled) {
        return Some(out);
    }
    let changes = modifications(&awards);
    out.holders = holders::of(&awards, &changes);
    out.money(&awards, &changes, base);
    out.time(&awards, &changes, base);
    out.duties(&awards, base);
    out.more(&awards, &changes);
    Some(out)
}

/// Where a lot stands: as the latest notice says; of two of one day, that it was awarded.
fn state(told: &[Statement<'_>]) -> (ContractState, Option<NoAwardReason>) {
    let terminated = told
        .iter()
        .any(|s| s.award.contract.as_ref().is_some_and(|c| c.terminated.is_some()) || says_terminated(s.of.notice));
    if terminated {
        return (ContractState::Terminated, None);
    }
    let rank = |s: &&Statement<'_>| (s.published(), s.award.outcome == Outcome::Awarded);
    let Some(last) = told.iter().max_by_key(rank) else { return (ContractState::Awarded, None) };
    let state = match (last.of.notice.kind, last.award.outcome) {
        (NoticeKind::Cancellation, _) => ContractState::Cancelled,
        (_, Outcome::NoAward) => ContractState::NotAwarded,
        (NoticeKind::Completion, _) => ContractState::Ended,
        _ => ContractState::Awarded,
    };
    (state, last.award.reason)
}

/// Whether a notice about a contract under way says that it was terminated.
fn says_terminated(notice: &Notice) -> bool {
    const WORDS: [&str; 7] = [
        "est resilie",
        "a ete resilie",
        "sont resilies",
        "resiliation du marche",
        "resiliation du contrat",
        "resiliation de l accord",
        "resiliation du lot",
    ];
    let of_a_contract = matches!(notice.kind, NoticeKind::Modification | NoticeKind::Completion);
    let texts = || std::iter::once(notice.title.as_str()).chain(notice.passages.iter().map(|p| p.text.as_str()));
    of_a_contract && texts().map(commune::key).any(|text| WORDS.iter().any(|w| text.contains(w)))
}

/// Changes in order, the latest last.
fn modifications(awards: &[&Statement<'_>]) -> Vec<Change> {
    let mut out: Vec<Change> = Vec::new();
    for s in awards {
        for change in s.award.contract.iter().flat_map(|c| &c.modifications) {
            out.push(Change { change: change.clone(), notice: s.key.clone() });
        }
        if s.of.notice.kind == NoticeKind::Modification {
            let change = ContractModification {
                number: 0,
                on: s.published(),
                months: s.of.notice.duration_months,
                amount: s.award.amount,
                holders: holders::companies(&s.award),
            };
            out.push(Change { change, notice: s.key.clone() });
        }
    }
    out.sort_by(|a, b| (a.change.on, a.change.number, &a.notice).cmp(&(b.change.on, b.change.number, &b.notice)));
    out
}

impl Contract {
    /// What is bought, by whom, where.
    fn describe(&mut self, lot: &str, base: Published<'_>, told: &[Statement<'_>]) {
        let notices = || std::iter::once(base).chain(told.iter().map(|s| s.of));
        self.buyer =
            notices().map(|p| &p.notice.buyer).find(|b| b.siret.is_some()).unwrap_or(&base.notice.buyer).clone();
        if self.buyer.name.is_empty() {
            let named = notices().map(|p| &p.notice.buyer.name).find(|n| !n.is_empty());
            self.buyer.name = named.cloned().unwrap_or_default();
        }
        let a = base.assessment;
        let own = a.lots.iter().find(|l| l.id == lot);
        let whole = if a.title.is_empty() { base.notice.title.clone() } else { a.title.clone() };
        self.title = own.map(|l| l.title.clone()).filter(|t| !t.is_empty()).unwrap_or(whole);
        self.cpv = own.map(|l| &l.cpv).filter(|c| !c.is_empty()).unwrap_or(&a.cpv).clone();
        self.sectors = own.map(|l| &l.sectors).filter(|s| !s.is_empty()).unwrap_or(&a.sectors).clone();
        self.departments = own.map(|l| &l.departments).filter(|d| !d.is_empty()).unwrap_or(&a.departments).clone();
    }

    /// The amount: of the last modification, else as awarded, else the framework's maximum.
    fn money(&mut self, awards: &[&Statement<'_>], changes: &[Change], base: Published<'_>) {
        let maximum = awards.iter().any(|s| s.award.contract.as_ref().is_some_and(|c| c.maximum));
        let mut doubt = |euros: f64| {
            let said = format!("un montant publié de {}\u{a0}€ ne peut pas en être un", french::number(euros));
            if !self.doubts.contains(&said) {
                self.doubts.push(said);
            }
        };
        let mut plausible = |euros: f64| {
            let fits = (LEAST_AMOUNT..=GREATEST_AMOUNT).contains(&euros);
            if !fits {
                doubt(euros);
            }
            fits
        };
        let changed = changes.iter().rev().find_map(|c| Some((c.change.amount.filter(|e| plausible(*e))?, &c.notice)));
        let awarded = || awards.iter().find_map(|s| Some((s.award.amount.filter(|e| plausible(*e))?, &s.key)));
        let found = changed.or_else(awarded);
        self.amount = match found {
            Some((euros, notice)) => Some(Stated { value: Amount { euros, maximum }, notice: notice.clone() }),
            None => {
                let fact = fact(base.assessment, &self.lot, FactKind::FrameworkMaximum).filter(|_| !self.lot_unknown);
                fact.filter(|e| (LEAST_AMOUNT..=GREATEST_AMOUNT).contains(e))
                    .map(|euros| Stated { value: Amount { euros, maximum: true }, notice: base.notice.key() })
            }
        };
    }

    /// When it was awarded and notified, how long it lasts, and when it ends at the latest.
    fn time(&mut self, awards: &[&Statement<'_>], changes: &[Change], base: Published<'_>) {
        let is_award = |s: &&&Statement<'_>| s.of.notice.kind == NoticeKind::Award;
        let first = awards.iter().filter(is_award).filter(|s| s.published().is_some()).min_by_key(|s| s.published());
        self.awarded_on = first.and_then(|s| Some(s.stated(s.published()?)));
        // Nobody publishes before they decide.
        let decided = |s: &&Statement<'_>| Some(s.stated(s.award.decided.filter(|d| Some(*d) <= s.published())?));
        self.decided_on = awards.iter().find_map(decided);
        let data = |s: &&Statement<'_>| s.award.contract.clone();
        self.notified_on = awards.iter().find_map(|s| Some(s.stated(data(s)?.notified?)));
        self.lasts = self.duration(awards, changes, base);
        let told = awards.iter().find_map(|s| data(s)?.ends);
        let from = |from: NaiveDate, lasts: Lasts, of: fn(NaiveDate, Lasts) -> EndFormula| {
            Some(LatestEnd { on: after_months(from, lasts.months)?, formula: of(from, lasts) })
        };
        let awarded = self.decided_on.as_ref().or(self.awarded_on.as_ref()).map(|s| s.value);
        self.ends = match (told, &self.notified_on, awarded, &self.lasts) {
            (Some(on), ..) => Some(LatestEnd { on, formula: EndFormula::Told }),
            (None, Some(day), _, Some(l)) => {
                from(day.value, l.value, |from, lasts| EndFormula::FromNotification { from, lasts })
            }
            (None, None, Some(day), Some(l)) if self.decided_on.is_some() => {
                from(day, l.value, |from, lasts| EndFormula::FromPublication { from, lasts, decided: true })
            }
            (None, None, Some(day), Some(l)) => {
                from(day, l.value, |from, lasts| EndFormula::FromPublication { from, lasts, decided: false })
            }
            _ => None,
        };
    }

    /// How long it lasts: as last modified, as published with the contract, else as the call says.
    fn duration(
        &mut self,
        awards: &[&Statement<'_>],
        changes: &[Change],
        base: Published<'_>,
    ) -> Option<Stated<Lasts>> {
        let mut refused: Vec<f64> = Vec::new();
        let mut plausible = |months: f64| {
            let fits = months > 0.0 && months <= LONGEST;
            if !fits {
                refused.push(months);
            }
            fits
        };
        let changed = changes.iter().rev().find_map(|c| Some((c.change.months.filter(|m| plausible(*m))?, &c.notice)));
        let all_in =
            awards.iter().find_map(|s| Some((s.award.contract.as_ref()?.months.filter(|m| plausible(*m))?, &s.key)));
        let of = |kind| fact(base.assessment, &self.lot, kind);
        let (first, latest, times) = (of(FactKind::Duration), of(FactKind::LatestEnd), of(FactKind::Renewals));
        let asked = match (first.filter(|m| plausible(*m)), latest.filter(|m| plausible(*m)), times) {
            (Some(first), Some(months), Some(times)) if (first * (1.0 + times) - months).abs() < 0.5 => {
                Some(Lasts { months, basis: DurationBasis::Renewed { first, times } })
            }
            (_, Some(months), _) => Some(Lasts { months, basis: DurationBasis::AllIncluded }),
            (Some(months), None, _) => Some(Lasts { months, basis: DurationBasis::First }),
            (None, None, _) => None,
        };
        for months in refused {
            let said = format!("une durée publiée de {}\u{a0}mois ne peut pas en être une", french::number(months));
            if !self.doubts.contains(&said) {
                self.doubts.push(said);
            }
        }
        let stated =
            |months: f64, basis, notice: &str| Stated { value: Lasts { months, basis }, notice: notice.to_owned() };
        match (changed, all_in) {
            (Some((months, notice)), _) => Some(stated(months, DurationBasis::Modified, notice)),
            (None, Some((months, notice))) => Some(stated(months, DurationBasis::AllIncluded, notice)),
            (None, None) => asked.map(|value| Stated { value, notice: base.notice.key() }),
        }
    }

    /// What it owes and for whom it was reserved.
    fn duties(&mut self, awards: &[&Statement<'_>], base: Published<'_>) {
        let lot = Some(self.lot.as_str()).filter(|l| !l.is_empty());
        // A lot that nobody names may be any of them: only what binds all of them binds it.
        let covers = |p: &&Provision| if self.lot_unknown { p.lots.is_empty() } else { p.covers(lot) };
        let social =
            |p: &&Provision| !matches!(p.kind, ProvisionKind::SocialConditionNotSeen | ProvisionKind::ToVerify);
        let sources = || {
            std::iter::once((base.notice.key(), base.assessment))
                .chain(awards.iter().map(|s| (s.key.clone(), s.of.assessment)))
        };
        for (notice, a) in sources() {
            for p in a.provisions.iter().filter(covers).filter(social) {
                if !self.provisions.contains(&p.kind) {
                    self.provisions.push(p.kind);
                }
                if let (ProvisionKind::Reserved, Some(who)) = (p.kind, p.beneficiary)
                    && !self.reserved.contains(&who)
                {
                    self.reserved.push(who);
                }
                let binds = p.kind == ProvisionKind::ExecutionClause && p.mandatory != Some(false);
                // What the call quotes, the results that follow it only repeat.
                if binds && (self.owed.is_empty() || self.owed[0].notice == notice) {
                    self.owed.push(Owed { provision: p.clone(), notice: notice.clone() });
                }
            }
        }
        // Hours that somebody who knows the contract gives take the place of none.
        let by_hand = awards.iter().find_map(|s| Some((s.award.contract.as_ref()?.hours?, s)));
        if let Some((hours, s)) = by_hand {
            let evidence = crate::Evidence { field: Some("hours".to_owned()), quote: None };
            let mut p = Provision::new(ProvisionKind::ExecutionClause, evidence);
            (p.hours, p.mandatory) = (Some(hours), Some(true));
            self.owed.retain(|o| o.provision.hours.is_none());
            self.owed.insert(0, Owed { provision: p, notice: s.key.clone() });
            if !self.provisions.contains(&ProvisionKind::ExecutionClause) {
                self.provisions.push(ProvisionKind::ExecutionClause);
            }
        }
    }

    /// Tenders received, changes, subcontracts.
    fn more(&mut self, awards: &[&Statement<'_>], changes: &[Change]) {
        self.offers_received = awards.iter().find_map(|s| Some(s.stated(s.award.contract.as_ref()?.offers_received?)));
        self.modified_on =
            changes.iter().rev().find_map(|c| Some(Stated { value: c.change.on?, notice: c.notice.clone() }));
        for sub in awards.iter().filter_map(|s| s.award.contract.as_ref()).flat_map(|c| &c.subcontracts) {
            if !self.subcontracts.contains(sub) {
                self.subcontracts.push(sub.clone());
            }
        }
        if self.lot_unknown {
            self.doubts.push("aucune source ne dit de quel lot il s’agit".to_owned());
        }
        let numbers: std::collections::BTreeSet<&str> =
            awards.iter().filter_map(|s| s.award.contract.as_ref()?.number.as_deref()).collect();
        if numbers.len() > 1 {
            self.doubts.push(format!("{}\u{a0}contrats sont publiés pour ce lot", numbers.len()));
        }
    }
}

/// The value of a fact about a lot, else about the whole.
fn fact(a: &Assessment, lot: &str, kind: FactKind) -> Option<f64> {
    let of = |wanted: Option<&str>| {
        a.facts.iter().filter(|f| f.kind == kind && f.lot.as_deref() == wanted).find_map(|f| f.value)
    };
    of(Some(lot).filter(|l| !l.is_empty())).or_else(|| of(None))
}

/// The day that many months later.
fn after_months(day: NaiveDate, months: f64) -> Option<NaiveDate> {
    let whole = months.trunc();
    let days = ((months - whole) * DAYS_A_MONTH).round();
    // Both are bounded by `LONGEST` and not negative.
    day.checked_add_months(Months::new(whole as u32))?.checked_add_days(Days::new(days as u64))
}

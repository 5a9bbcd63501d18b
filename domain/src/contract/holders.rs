//! Who holds a contract, out of several statements: the same company under two spellings is one, and a number found anywhere is
//! kept.

use crate::award::{Award, Company};
use crate::{NoticeKind, commune};

use super::Holder;
use super::statement::{Change, Statement};

/// Words of company names that tell nothing of which company.
const FORMS: [&str; 26] = [
    "sarl",
    "sas",
    "sasu",
    "sa",
    "eurl",
    "snc",
    "scop",
    "scic",
    "sci",
    "gie",
    "selarl",
    "association",
    "asso",
    "societe",
    "ste",
    "sainte",
    "entreprise",
    "entreprises",
    "ets",
    "etablissements",
    "groupe",
    "agence",
    "et",
    "de",
    "la",
    "fils",
];

/// The winners of an award with all that is said of each.
pub(super) fn companies(award: &Award) -> Vec<Company> {
    let mut out = award.companies.clone();
    for winner in &award.winners {
        let number =
            Company::number(winner).filter(|n| matches!(n.len(), 9 | 14) && n.bytes().all(|b| b.is_ascii_digit()));
        let company = match number {
            // A source that has a number only writes it where the name stands.
            Some(id) => Company { id: Some(id), ..Company::default() },
            None => Company::named(winner.clone()),
        };
        if !out.iter().any(|c| c.said() == winner || is_same(c, &company)) {
            out.push(company);
        }
    }
    out
}

/// The holders: as the last modification lists them, else all that the statements name. Of notices of results of one source, the
/// latest counts.
pub(super) fn of(awards: &[&Statement<'_>], changes: &[Change]) -> Vec<Holder> {
    let mut out: Vec<Holder> = Vec::new();
    if let Some(last) = changes.iter().rev().find(|c| !c.change.holders.is_empty()) {
        last.change.holders.iter().for_each(|c| merge(&mut out, c, &last.notice));
        // The numbers and seats of those who stay are known from before.
        let before: Vec<Company> = awards.iter().flat_map(|s| companies(&s.award)).collect();
        for holder in &mut out {
            for known in &before {
                if is_same(known, &holder.company) {
                    complete(&mut holder.company, known);
                }
            }
        }
        return out;
    }
    for s in awards {
        // The surest and latest come first: an earlier notice of results of the same source was corrected by it.
        let outdated = s.trust() == 0
            && awards.iter().any(|o| {
                o.trust() == 0
                    && o.of.notice.source == s.of.notice.source
                    && o.of.notice.kind == NoticeKind::Award
                    && o.key != s.key
                    && o.published() > s.published()
                    && !companies(&o.award).is_empty()
            });
        if !outdated {
            companies(&s.award).iter().for_each(|c| merge(&mut out, c, &s.key));
        }
    }
    out
}

fn merge(holders: &mut Vec<Holder>, company: &Company, notice: &str) {
    if company.said().is_empty() {
        return;
    }
    match holders.iter_mut().find(|h| is_same(&h.company, company)) {
        Some(known) => complete(&mut known.company, company),
        None => holders.push(Holder { company: company.clone(), notice: notice.to_owned() }),
    }
}

fn complete(known: &mut Company, other: &Company) {
    if known.name.is_empty() {
        known.name.clone_from(&other.name);
    }
    // A SIRET says more than a SIREN.
    if known.id.as_ref().map_or(0, String::len) < other.id.as_ref().map_or(0, String::len) {
        known.id.clone_from(&other.id);
    }
    if known.place == crate::Place::default() {
        known.place.clone_from(&other.place);
    }
}

/// Whether two mentions are of one company: by number where both have one, else by name.
pub(super) fn is_same(a: &Company, b: &Company) -> bool {
    if let (Some(a), Some(b)) = (a.siren(), b.siren()) {
        return a == b;
    }
    let (a, b) = (commune::key(&a.name), commune::key(&b.name));
    // Spelled alike, they are one, however short the name ("3M") and whatever it is made of ("L’Agence").
    if !a.is_empty() && a == b {
        return true;
    }
    let words = |key: &str| -> Vec<String> {
        key.split(' ').filter(|w| !w.is_empty() && !FORMS.contains(w)).map(str::to_owned).collect()
    };
    let (a, b) = (words(&a), words(&b));
    let (short, long) = if a.len() <= b.len() { (&a, &b) } else { (&b, &a) };
    let alike = !a.is_empty() && a == b;
    alike || short.iter().any(|w| w.len() >= 3) && short.iter().all(|w| long.contains(w))
}

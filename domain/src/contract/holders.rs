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
    // Those that no winner's name repeats may be a winner under another spelling; the others are themselves.
    let loose: Vec<Company> = out.iter().filter(|c| !award.winners.iter().any(|w| w == c.said())).cloned().collect();
    for winner in &award.winners {
        let number =
            Company::number(winner).filter(|n| matches!(n.len(), 9 | 14) && n.bytes().all(|b| b.is_ascii_digit()));
        let company = match number {
            // A source that has a number only writes it where the name stands.
            Some(id) => Company { id: Some(id), ..Company::default() },
            None => Company::named(winner.clone()),
        };
        if !out.iter().any(|c| c.said() == winner) && !loose.iter().any(|c| is_same(c, &company)) {
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
        merge(&mut out, &last.change.holders, &last.notice);
        // The numbers and seats of those who stay are known from before.
        let mut before: Vec<Holder> = Vec::new();
        awards.iter().for_each(|s| merge(&mut before, &companies(&s.award), &s.key));
        let known: Vec<Company> = before.into_iter().map(|h| h.company).collect();
        for (known, stays) in known.iter().zip(assigned(&out, &known)) {
            if let Some(n) = stays {
                complete(&mut out[n].company, known);
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
            merge(&mut out, &companies(&s.award), &s.key);
        }
    }
    out
}

/// Joins the companies that one notice names to the holders known so far. Two that it names apart are two, however alike their names
/// (« Dupont » and « Dupont Nettoyage »): each is one of those known, or a new one.
fn merge(holders: &mut Vec<Holder>, companies: &[Company], notice: &str) {
    let before = holders.len();
    for (company, known) in companies.iter().zip(assigned(holders, companies)).filter(|(c, _)| !c.said().is_empty()) {
        match known {
            Some(n) => complete(&mut holders[n].company, company),
            // Said twice by the same notice.
            None if holders[before..].iter().any(|h| is_spelled_as(&h.company, company)) => {}
            None => holders.push(Holder { company: company.clone(), notice: notice.to_owned() }),
        }
    }
}

/// Which of the holders each company is: one at most, and each holder is one company at most. Very names and numbers before like ones.
fn assigned(holders: &[Holder], companies: &[Company]) -> Vec<Option<usize>> {
    let mut taken: Vec<Option<usize>> = vec![None; companies.len()];
    for like in [is_spelled_as, is_same] {
        for (at, company) in companies.iter().enumerate() {
            if taken[at].is_none() {
                taken[at] =
                    (0..holders.len()).find(|n| !taken.contains(&Some(*n)) && like(&holders[*n].company, company));
            }
        }
    }
    taken
}

/// Whether two mentions are one word for word: the same number, or the same name where one of them has no number.
fn is_spelled_as(a: &Company, b: &Company) -> bool {
    if let (Some(a), Some(b)) = (a.siren(), b.siren()) {
        return a == b;
    }
    let (a, b) = (commune::key(&a.name), commune::key(&b.name));
    // However short the name ("3M") and whatever it is made of ("L’Agence").
    let alike = !a.is_empty() && a == b;
    alike || !telling(&a).is_empty() && telling(&a) == telling(&b)
}

/// The words of a folded name that tell which company it is.
fn telling(key: &str) -> Vec<&str> {
    key.split(' ').filter(|w| !w.is_empty() && !FORMS.contains(w)).collect()
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

/// Whether two mentions are of one company: by number where both have one, else by name, which may be a part of the other.
pub(super) fn is_same(a: &Company, b: &Company) -> bool {
    if is_spelled_as(a, b) {
        return true;
    }
    if a.siren().is_some() && b.siren().is_some() {
        return false;
    }
    let (a, b) = (commune::key(&a.name), commune::key(&b.name));
    let (a, b) = (telling(&a), telling(&b));
    let (short, long) = if a.len() <= b.len() { (&a, &b) } else { (&b, &a) };
    short.iter().any(|w| w.len() >= 3) && short.iter().all(|w| long.contains(w))
}

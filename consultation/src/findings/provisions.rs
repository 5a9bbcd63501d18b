//! Provisions, dates and facts: the judgement over the piece's text, each led back to the line that says it.
//!
//! Two things the piece itself tells better: a table of hours lot by lot, read row by row; and social criteria, which `criteria` reads
//! with their weights.

use std::ops::Range;

use vigie_classify::pattern;
use vigie_domain::{DateKind, Evidence, Lot, Notice, NoticeKind, Passage, Provision, ProvisionKind, TypedDate};

use super::clause::Topics;
use super::{Finding, What};
use crate::homonyms;
use crate::piece::Kind;
use crate::written::{Line, Written};

pattern!(OF_CLAUSE, r"insertion|clauses? sociale|eloignees? de l'emploi");
pattern!(
    LOT_CELL,
    r"^lots? ?(?:n° ?)?(?P<n>[0-9]{1,3})(?: ?[-–—:.] ?.{2,80})?$|^(?P<m>[0-9]{1,2})(?: ?[-–—:.] ?.{2,80})?$"
);
// The same row where its columns stand so near that they are read as one.
pattern!(
    ROW,
    r"^lots? ?(?:n° ?)?(?P<n>[0-9]{1,3}) .*?(?:n° ?[0-9]+ (?:\| )?)?(?P<h>\b[0-9]{1,3}(?: [0-9]{3})+|\b[0-9]{1,6}) ?(?:h|heures?)(?: d'insertion)?$"
);
pattern!(NEAR, r"^(?P<n>[0-9]{1,2}) (?P<h>[0-9]{1,3}(?: [0-9]{3})+|[0-9]{2,6})$");
pattern!(HOURS_CELL, r"^(?P<n>[0-9]{1,3}(?: [0-9]{3})+|[0-9]{1,6}) ?(?:h|heures?)(?: d'insertion)?$");
pattern!(
    SOCIAL_CRITERION,
    r"insertion|\bsocia(?:l|le|les|ux)\b|handicap|eloignee?s? de l'emploi|\bemploi\b|socio-?profession"
);

/// What the judgement finds in a piece, given the criteria that are read.
pub(super) fn read(piece: &Written, criteria: &[Finding], topics: &Topics) -> Vec<Finding> {
    let mut notice = Notice::new("consultation", &piece.name, NoticeKind::Call);
    notice.passages.push(Passage { field: piece.name.clone(), lot: None, text: piece.judged().to_owned() });
    let assessment = vigie_classify::classify(&notice);
    let rows = rows(piece, topics);
    let mut out: Vec<Finding> = Vec::new();
    // A form speaks of what candidates may be; a bill of prices, of works.
    if !matches!(piece.kind, Kind::Form | Kind::Bpu | Kind::Plan) {
        out.extend(social_criteria(criteria));
        let told = assessment.provisions.into_iter().filter(|p| match p.kind {
            ProvisionKind::SocialConditionNotSeen => false,
            ProvisionKind::AwardCriterion => criteria.is_empty() && judges(piece.kind),
            // How hours may be done names services of insertion: what is bought is another matter.
            ProvisionKind::InsertionService => !matches!(piece.kind, Kind::Ccap | Kind::SocialAnnex),
            ProvisionKind::ExecutionClause => rows.is_empty() || p.percent.is_some(),
            _ => true,
        });
        for provision in told {
            let (quote, figure) = (provision.evidence.quote.clone(), figure(&provision));
            out.extend(located(piece, quote, figure, || What::Provision(Box::new(provision))));
        }
        out.extend(rows);
        drop_bare(&mut out);
    }
    // Only the rules of the consultation, and the notice, say when to answer.
    if matches!(piece.kind, Kind::Rc | Kind::Notice | Kind::Other | Kind::Ccp | Kind::Cctp) {
        for date in dates(piece, &notice, assessment.dates) {
            out.extend(located(piece, date.quote.clone(), None, || What::Date(Box::new(date))));
        }
    }
    if matches!(piece.kind, Kind::Rc | Kind::Ccap | Kind::Ccp | Kind::Ae | Kind::Notice | Kind::Other) {
        for fact in assessment.facts {
            out.extend(located(piece, fact.evidence.quote.clone(), None, || What::Fact(Box::new(fact))));
        }
    }
    out
}

/// The dates of a piece, a day of a visit told from the end of the consultation: a sentence that goes on about the visit names it no
/// more, and the judgement takes its day for that end.
fn dates(piece: &Written, notice: &Notice, found: Vec<TypedDate>) -> Vec<TypedDate> {
    let visits: Vec<String> = found.iter().filter_map(|d| d.quote.clone().filter(|_| is_of_visit(piece, d))).collect();
    if visits.is_empty() {
        return found;
    }
    // Without these words the judgement finds the end that they hid.
    let mut rest = notice.clone();
    for passage in &mut rest.passages {
        for words in &visits {
            passage.text = passage.text.replace(words.as_str(), " ");
        }
    }
    let told = found.into_iter().filter(|d| d.kind != DateKind::Tender || is_of_visit(piece, d)).map(|mut date| {
        if is_of_visit(piece, &date) {
            date.kind = DateKind::Visit;
        }
        date
    });
    let ends = vigie_classify::classify(&rest).dates.into_iter().filter(|d| d.kind == DateKind::Tender);
    told.chain(ends).collect()
}

/// Whether the day that a text is thought to end on is one of a visit.
fn is_of_visit(piece: &Written, date: &TypedDate) -> bool {
    pattern!(ENDS, r"offre|\bplis?\b|candidature|remis|depot|depos|recep|limite|clotur");
    let Some(at) = date.quote.as_deref().filter(|_| date.kind == DateKind::Tender).and_then(|q| piece.find(q)) else {
        return false;
    };
    let Some(line) = piece.lines.iter().find(|l| l.range.contains(&at)) else { return false };
    let sentences = super::sentence::split(&piece.text, &line.range);
    let Some(own) = sentences.iter().position(|s| s.contains(&at)) else { return false };
    let folded = |i: usize| vigie_classify::fold::fold(&piece.text[sentences[i].clone()]);
    let before = own.checked_sub(1).map(folded).unwrap_or_default();
    let title = piece.article_at(at).map_or("", |a| a.title.as_str());
    !ENDS.is_match(&folded(own)) && (before.contains("visite") || title.contains("visite"))
}

/// Where tenders are judged: nowhere else does a figure weigh one.
fn judges(kind: Kind) -> bool {
    matches!(kind, Kind::Rc | Kind::Notice | Kind::Ccp | Kind::Other)
}

/// A clause that gives no figure repeats the one that does.
fn drop_bare(found: &mut Vec<Finding>) {
    let clause = |f: &Finding| match &f.what {
        What::Provision(p) if p.kind == ProvisionKind::ExecutionClause => {
            Some(p.hours.is_some() || p.percent.is_some())
        }
        _ => None,
    };
    if found.iter().any(|f| clause(f) == Some(true)) {
        found.retain(|f| clause(f) != Some(false));
    }
}

/// The figure that a provision gives, as it begins in the text.
fn figure(p: &Provision) -> Option<String> {
    let n = p.hours.or(p.percent).or(p.weight)?;
    Some(format!("{:.0}", n.trunc())).filter(|d| d.len() <= 3 || n >= 1000.0).map(|d| match d.len() {
        // Thousands are parted by a space, or not at all: the first digits are enough to tell the line.
        4.. => d[..d.len() - 3].to_owned(),
        _ => d,
    })
}

/// The lot of a row, and its hours where it gives any.
fn row(line: &str) -> Option<(&str, Option<f64>)> {
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    let figure = |text: &str| text.replace(' ', "").parse::<f64>().ok();
    let named = LOT_CELL.captures(cells[0]).and_then(|c| c.name("n").or(c.name("m"))).filter(|_| cells.len() > 1);
    if let Some(lot) = named {
        let hours = cells.iter().skip(1).find_map(|c| HOURS_CELL.captures(c)?.name("n"));
        return Some((lot.as_str(), hours.and_then(|h| figure(h.as_str()))));
    }
    if let Some(read) = ROW.captures(line) {
        return Some((read.name("n")?.as_str(), figure(&read["h"])));
    }
    // "1 3 600 | 50 %": a lot's number and its hours, read as one cell.
    let read = NEAR.captures(cells[0])?;
    Some((read.name("n")?.as_str(), None))
}

/// The hours of a row whose column says that it counts them.
fn bare_hours(line: &str) -> Option<f64> {
    let figure = |text: &str| text.replace(' ', "").parse::<f64>().ok().filter(|n| *n >= 10.0);
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    if let Some(near) = NEAR.captures(cells[0]) {
        return figure(&near["h"]);
    }
    cells.iter().skip(1).find_map(|c| figure(c))
}

/// The rows of a table that gives hours of insertion lot by lot.
fn rows(piece: &Written, topics: &Topics) -> Vec<Finding> {
    let mut out = Vec::new();
    let mut head: Option<&Line> = None;
    for line in &piece.lines {
        let of_clause = topics.is_of_clause(line.article) || piece.kind == Kind::SocialAnnex;
        // Under a head that names hours, a number needs no unit.
        let counts = head.is_some_and(|h| h.folded.contains("heure") || h.folded.contains("volume"));
        let Some((lot, hours)) = row(&line.folded).map(|(lot, hours)| match hours {
            None if counts && of_clause => (lot, bare_hours(&line.folded)),
            hours => (lot, hours),
        }) else {
            if !line.folded.contains('|') || OF_CLAUSE.is_match(&line.folded) || line.folded.contains("heure") {
                head = Some(line);
            }
            continue;
        };
        let speaks = of_clause
            || head.is_some_and(|h| OF_CLAUSE.is_match(&h.folded))
            || OF_CLAUSE.is_match(&piece.headings(line.article));
        if let Some(hours) = hours.filter(|h| *h > 0.0 && speaks) {
            let quote = piece.words(line.range.clone());
            let evidence = Evidence { field: Some(piece.name.clone()), quote: Some(quote) };
            let mut provision = Provision::new(ProvisionKind::ExecutionClause, evidence);
            provision.lots = vec![Lot::clean_id(lot)];
            provision.hours = Some(hours);
            provision.mandatory = Some(true);
            out.push(Finding::new(What::Provision(Box::new(provision)), piece, line.range.clone(), 0));
        }
    }
    out
}

/// Whether a criterion's name, folded, weighs social merit: no building set in its landscape.
fn is_social(name: &str) -> bool {
    SOCIAL_CRITERION.is_match(name) && !homonyms::is_of_things(name)
}

/// The same of a criterion among others, in their order; `within`: the one that it details is social.
fn is_social_one(name: &str, sub: bool, within: &mut bool) -> bool {
    let social = is_social(&vigie_classify::fold::fold(name));
    if !sub {
        *within = social;
    }
    social || sub && *within
}

/// Criteria that weigh social merit.
fn social_criteria(criteria: &[Finding]) -> Vec<Finding> {
    // What details a social criterion is social, whatever its own words.
    let mut within = false;
    let social = criteria.iter().filter_map(|f| match &f.what {
        What::Criterion { name, weight, sub } if is_social_one(name, *sub, &mut within) => {
            let evidence = Evidence { field: Some(f.at.piece.clone()), quote: Some(f.quote.clone()) };
            let mut provision = Provision::new(ProvisionKind::AwardCriterion, evidence);
            provision.weight = *weight;
            Some(Finding { what: What::Provision(Box::new(provision)), ..f.clone() })
        }
        _ => None,
    });
    social.collect()
}

/// A finding at the line of its quote that gives its figure, else at the first that is no heading; without a quote that stands in the
/// text, nothing is told.
fn located(
    piece: &Written,
    quote: Option<String>,
    figure: Option<String>,
    what: impl FnOnce() -> What,
) -> Option<Finding> {
    let quote = quote?;
    let at = piece.find(&quote)?;
    let whole = at..at + quote.len();
    let inside = |l: &&Line| l.range.start < whole.end && whole.start < l.range.end;
    let lines: Vec<&Line> = piece.lines.iter().filter(inside).collect();
    // A title in a table of contents says nothing.
    if lines.len() > 1 && lines.iter().all(|l| l.is_heading) && figure.is_none() {
        return None;
    }
    // Of a row, all of it.
    let whole = match lines.as_slice() {
        [row] if row.folded.contains(" | ") => row.range.clone(),
        _ => whole,
    };
    let says = figure.and_then(|f| lines.iter().find(|l| has_number(&l.folded, &f)));
    let chosen = says.or_else(|| lines.iter().find(|l| !l.is_heading)).filter(|_| lines.len() > 1);
    let what = verbatim(what(), &piece.text[whole.clone()]);
    let range: Range<usize> =
        chosen.map_or(whole.clone(), |l| l.range.start.max(whole.start)..l.range.end.min(whole.end));
    Some(Finding::new(what, piece, range, 0))
}

/// The same with its quote as the piece writes it: what is judged may lack a word.
fn verbatim(mut what: What, quote: &str) -> What {
    let evidence = match &mut what {
        What::Provision(p) => Some(&mut p.evidence.quote),
        What::Fact(f) => Some(&mut f.evidence.quote),
        What::Date(d) => Some(&mut d.quote),
        _ => None,
    };
    if let Some(kept) = evidence {
        *kept = Some(quote.to_owned());
    }
    what
}

/// Whether a text holds these digits as a number's beginning.
fn has_number(text: &str, digits: &str) -> bool {
    text.match_indices(digits).any(|(i, _)| !text[..i].ends_with(|c: char| c.is_ascii_digit()))
}

//! Provisions, dates and facts: the judgement over the piece's text, each led back to the line that says it.
//!
//! What the piece itself tells better: a table of hours lot by lot, read row by row; hours and shares that a sentence of the clause
//! gives lot by lot; days that have a label; and social criteria, which `criteria` reads with their weights.

use std::ops::Range;

use vigie_classify::pattern;
use vigie_domain::{
    Assessment, Beneficiary, DateKind, Evidence, Lot, Notice, NoticeKind, Passage, Provision, ProvisionKind, TypedDate,
};

use super::clause::Topics;
use super::figures::{self, Unit};
use super::sentence::Sentence;
use super::{Finding, What, calendar, clause};
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
pattern!(
    HOURS_CELL,
    r"^(?:lot [0-9a-z]{1,3} ?: ?)?(?P<n>[0-9]{1,3}(?: [0-9]{3})+|[0-9]{1,6}) ?(?:h|heures?)(?: ?/ ?an)?(?: pour (?:chacun des |le |les )?lots? [0-9a-z ,]{1,30})?(?: (?:annuelles?|par an|au minimum|minimum|au moins|sur [a-z ]{2,20}))*(?: (?:a la charge d|dues? par|d'insertion|de parcours|de clause|d'emploi)[a-z' ]{0,30})?$"
);
// What a bill of prices or a form counts for the clause: "dont heures d'emploi local : 800 par an".
pattern!(
    COUNTED_IN,
    r"\b(?:heures?|volume)[^|:]{0,40}(?:insertion|emploi local|parcours vers l'emploi|clause sociale)[^|:]{0,30} ?[:|] ?(?P<h>[0-9]{1,3}(?: [0-9]{3})+|[0-9]{2,6})\b|\b(?:part|taux|pourcentage)[^|:]{0,30}(?:insertion|emploi local|clause sociale)[^|:]{0,30} ?[:|] ?(?P<p>[0-9]{1,2}(?:,[0-9])?) ?%"
);
// Under the title of a sheet: what its column counts is due.
pattern!(DUE, r"heures? (?:dues?|d'insertion|plancher|minimales?|minimum|a realiser|annuelles)");
pattern!(
    SOCIAL_CRITERION,
    r"insertion|\bsocia(?:l|le|les|ux)\b|(?:suivi|accompagnement|accueil|encadrement|parcours) des (?:personnes|travailleurs|salaries)|handicap|eloignee?s? de l'emploi|\bemploi\b|socio-?profession"
);

// What a clause asks for; and what hours are worth or make, of which it asks none.
pattern!(
    OWED,
    r"reserv|\b(?:assure|fait)e?s? par\b|realis|consacr|benefici|profit|revien|a la charge|d'insertion|destin|s'engage|doit\b|doivent|minimum|minimal|au moins|tenue?s? (?:de|a)|effectu|accompli|confi|affect|fixe|s'eleve|\bvolume|obligation|oblig|represent|correspond|execut"
);
pattern!(WORTH, r"temps plein|\betp\b|\bvaut\b|\bvalent\b|journees?\b");

/// A piece as the judgement reads it, and what that finds.
pub(super) struct Judgement {
    notice: Notice,
    assessment: Assessment,
}

impl Judgement {
    pub(super) fn of(piece: &Written) -> Self {
        let mut notice = Notice::new("consultation", &piece.name, NoticeKind::Call);
        notice.passages.push(Passage { field: piece.name.clone(), lot: None, text: piece.judged().to_owned() });
        let assessment = vigie_classify::classify(&notice);
        Self { notice, assessment }
    }

    /// Where it finds hours or a share that a clause asks for.
    pub(super) fn clauses(&self, piece: &Written) -> Vec<Range<usize>> {
        let asked = self.assessment.provisions.iter().filter(|p| {
            p.kind == ProvisionKind::ExecutionClause && (p.hours.is_some() || p.percent.is_some()) && !is_worth(p)
        });
        let place = |p: &Provision| {
            let quote = p.evidence.quote.as_deref()?;
            piece.find(quote).map(|at| at..at + quote.len())
        };
        asked.filter_map(place).collect()
    }
}

/// What the judgement finds in a piece, given the criteria that are read.
pub(super) fn read(
    piece: &Written,
    sentences: &[Sentence],
    criteria: &[Finding],
    topics: &Topics,
    judgement: Judgement,
) -> Vec<Finding> {
    let Judgement { notice, assessment } = judgement;
    let rows = rows(piece, topics);
    let own = lot_by_lot(piece, sentences, topics, &assessment.provisions);
    let read_here = |p: &Provision| {
        let quote = p.evidence.quote.as_deref().map(vigie_classify::one_line).unwrap_or_default();
        own.iter().any(|f| f.quote.contains(&quote) || quote.contains(&f.quote))
    };
    // What a contract that is over, or the buyer in general, did or does.
    let of_others = |p: &Provision| {
        let at = p.evidence.quote.as_deref().and_then(|q| piece.find(q));
        let sentence = at.and_then(|at| sentences.iter().find(|s| s.range.contains(&at)));
        sentence.is_some_and(|s| clause::is_of_others(&s.folded))
    };
    let mut out: Vec<Finding> = Vec::new();
    // A form speaks of what candidates may be; a bill of prices, of works.
    if matches!(piece.kind, Kind::Bpu | Kind::Dpgf) {
        out.extend(rows_of_bill(piece));
    }
    if !matches!(piece.kind, Kind::Form | Kind::Bpu | Kind::Plan) {
        out.extend(social_criteria(criteria));
        let told = assessment.provisions.into_iter().filter(|p| match p.kind {
            ProvisionKind::SocialConditionNotSeen => false,
            ProvisionKind::Reserved => {
                !p.evidence.quote.as_deref().is_some_and(|q| clause::is_open(&vigie_classify::fold::fold(q)))
            }
            ProvisionKind::AwardCriterion => criteria.is_empty() && judges(piece.kind),
            // How hours may be done names services of insertion: what is bought is another matter.
            ProvisionKind::InsertionService => !matches!(piece.kind, Kind::Ccap | Kind::SocialAnnex),
            // Hours of a day's work are no hours of a clause that gives others.
            ProvisionKind::ExecutionClause if !own.is_empty() && p.hours.is_some_and(|h| h < LEAST_HOURS) => false,
            ProvisionKind::ExecutionClause if p.hours.is_some() && is_worth(p) || of_others(p) => false,
            ProvisionKind::ExecutionClause => (rows.is_empty() || p.percent.is_some()) && !read_here(p),
            _ => true,
        });
        let mut shares: Vec<(Option<String>, f64)> = Vec::new();
        for mut provision in told.flat_map(|p| each(piece, sentences, p)) {
            // What a sentence says of all rows is told once.
            if let (Some(percent), None) = (provision.percent, provision.hours) {
                let said = (provision.evidence.quote.clone(), percent);
                if provision.lots.is_empty() && shares.contains(&said) {
                    continue;
                }
                shares.push(said);
            }
            resite(piece, sentences, &mut provision);
            let (quote, figure) = (provision.evidence.quote.clone(), figure(&provision));
            // "Article 5 : Insertion (lot 2)".
            if provision.kind == ProvisionKind::ExecutionClause && provision.lots.is_empty() {
                let at = quote.as_deref().and_then(|q| piece.find(q));
                let line = at.and_then(|at| piece.lines.iter().find(|l| l.range.contains(&at)));
                provision.lots = line.map(|l| lots_of_heading(piece, l.article)).unwrap_or_default();
            }
            let lots = provision.lots.clone();
            out.extend(located(piece, quote, figure, &lots, || What::Provision(Box::new(provision))));
        }
        let lots_of = |f: &Finding| match &f.what {
            What::Provision(p) if p.kind == ProvisionKind::Reserved => p.lots.clone(),
            _ => Vec::new(),
        };
        let kept = if matches!(piece.kind, Kind::Cctp | Kind::Dpgf | Kind::MemoFrame) {
            Vec::new()
        } else {
            kept_lots(piece, sentences)
        };
        // What the judgement says of the same lots with another word than their own rows do is left to the rows.
        let same = |a: &Finding, b: &Finding| lots_of(a) == lots_of(b) && kept_for(a) == kept_for(b);
        let told: Vec<String> = kept.iter().flat_map(lots_of).collect();
        out.retain(|f| {
            let lots = lots_of(f);
            lots.is_empty() || !lots.iter().all(|l| told.contains(l)) || kept.iter().any(|k| same(k, f))
        });
        let judged: Vec<String> = out.iter().filter(|f| !lots_of(f).is_empty()).map(|f| f.quote.clone()).collect();
        out.extend(kept.into_iter().filter(|k| !judged.contains(&k.quote)));
        out.extend(rows);
        out.extend(own);
        drop_bare(&mut out);
        drop_totals(&mut out);
    }
    // Only the rules of the consultation, and the notice, say when to answer.
    if matches!(piece.kind, Kind::Rc | Kind::Notice | Kind::Other | Kind::Ccp | Kind::Cctp) {
        let judged = dates(piece, &notice, assessment.dates);
        let days = match piece.kind {
            Kind::Cctp => Vec::new(),
            _ => calendar::read(piece, sentences, vigie_domain::date::closing(&judged)),
        };
        // What a label calls a visit is no end, whatever the judgement took it for.
        let relabelled = |judged: &TypedDate| {
            let same = |d: &&calendar::Day| {
                let says = d.labelled || d.date.kind != DateKind::Tender;
                says && d.date.at.date_naive() == judged.at.date_naive()
            };
            let named = days.iter().filter(same).map(|d| d.date.kind).collect::<Vec<_>>();
            !named.is_empty() && !named.contains(&judged.kind)
        };
        let mut kept: Vec<TypedDate> = judged
            .into_iter()
            .filter(|d| !relabelled(d) && is_spoken_of(piece, d) && !strays(piece, sentences, &days, d))
            .collect();
        // The hour right behind a day is its own.
        for judged in &mut kept {
            let timed = days
                .iter()
                .map(|d| &d.date)
                .find(|d| d.has_time && d.kind == judged.kind && d.at.date_naive() == judged.at.date_naive());
            if let Some(day) = timed {
                (judged.at, judged.has_time) = (day.at, true);
            }
        }
        let known = |d: &calendar::Day| {
            // Two visits of one day are two.
            let other = |k: &TypedDate| k.kind == DateKind::Visit && k.has_time && d.date.has_time && k.at != d.date.at;
            kept.iter().any(|k| k.kind == d.date.kind && k.at.date_naive() == d.date.at.date_naive() && !other(k))
        };
        // An end that no label names is told where the judgement found none.
        let ends = |kind: DateKind| matches!(kind, DateKind::Tender | DateKind::Participation);
        let ended = |kind: DateKind| {
            kept.iter().any(|k| k.kind == kind) || days.iter().any(|d| d.labelled && d.date.kind == kind)
        };
        let added: Vec<Finding> = days
            .iter()
            .filter(|d| !known(d) && (d.labelled || !ends(d.date.kind) || !ended(d.date.kind)))
            .map(|d| Finding::new(What::Date(Box::new(d.date.clone())), piece, d.range.clone(), 0))
            .collect();
        for date in kept {
            out.extend(located(piece, date.quote.clone(), None, &[], || What::Date(Box::new(date))));
        }
        out.extend(added);
    }
    if matches!(piece.kind, Kind::Rc | Kind::Ccap | Kind::Ccp | Kind::Ae | Kind::Notice | Kind::Other) {
        // How long an offer binds is no duration of the contract.
        let of_offer = |f: &vigie_domain::DecisionFact| {
            let quote = f.evidence.quote.as_deref().map(vigie_classify::fold::fold).unwrap_or_default();
            f.kind == vigie_domain::FactKind::Duration
                && quote.contains("offre")
                && ["engage", "valid", "valable", "maint", "lie"].iter().any(|w| quote.contains(w))
        };
        // Nor how long somebody worked whom the clause speaks of.
        let of_clause = |f: &vigie_domain::DecisionFact| {
            let at = f.evidence.quote.as_deref().and_then(|q| piece.find(q));
            let sentence = at.and_then(|at| sentences.iter().position(|s| s.range.contains(&at)));
            f.kind == vigie_domain::FactKind::Duration && sentence.is_some_and(|s| topics.is_clause(s))
        };
        for fact in assessment.facts.into_iter().filter(|f| !of_offer(f) && !of_clause(f)) {
            out.extend(located(piece, fact.evidence.quote.clone(), None, &[], || What::Fact(Box::new(fact))));
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

/// Whether the end that the judgement found is the day of something else, where another sentence says when tenders end.
fn strays(piece: &Written, sentences: &[Sentence], days: &[calendar::Day], date: &TypedDate) -> bool {
    pattern!(
        ENDS,
        r"offre|\bplis?\b|candidature|remis|depot|depos|recep|recu|limite|clotur|repon|propos|avant|plus tard|dernier|jusqu|dossier|devis|arriv|parv|transm|attend"
    );
    let other = |d: &calendar::Day| d.date.kind == DateKind::Tender && d.date.at.date_naive() != date.at.date_naive();
    let Some(at) = date.quote.as_deref().filter(|_| date.kind == DateKind::Tender).and_then(|q| piece.find(q)) else {
        return false;
    };
    let own = sentences.iter().find(|s| s.range.contains(&at));
    days.iter().any(other) && own.is_some_and(|s| !s.folded.contains(" | ") && !ENDS.is_match(&s.folded))
}

/// Whether the words around a day speak of what it is thought to be of: a visit, or, in a technical piece, tenders.
fn is_spoken_of(piece: &Written, date: &TypedDate) -> bool {
    /// Lines above that may say so, where they open a list.
    const ABOVE: usize = 4;
    pattern!(
        VISITS,
        r"visit|sur place|reconnaissance|rendez-vous|repera|\blieux\b|\bsite|vous attend|conduir|accueill|demonstration|\btour d|creneau|depart"
    );
    pattern!(TENDERS, r"offres?\b|\bplis?\b|candidature|\bdepot|reponses?\b|propositions?\b|consultation");
    let Some(at) = date.quote.as_deref().and_then(|q| piece.find(q)) else { return true };
    let Some(line) = piece.lines.iter().position(|l| l.range.contains(&at)) else { return true };
    let own = &piece.lines[line];
    match date.kind {
        DateKind::Visit => {
            let opens =
                |l: &&Line| l.folded.trim_end().ends_with([':', ';']) || l.folded.contains(" | ") || l.is_heading;
            let mut above = piece.lines[line.saturating_sub(ABOVE)..line].iter().filter(opens);
            VISITS.is_match(&own.folded)
                || VISITS.is_match(&piece.headings(own.article))
                || above.any(|l| VISITS.is_match(&l.folded))
        }
        DateKind::Tender if piece.kind == Kind::Cctp => TENDERS.is_match(&own.folded),
        _ => true,
    }
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

/// Lots kept for some, where a row or a sentence names the lot and says for whom alone: by the article of the code that lets it be
/// kept, or by a word of exclusion and the structures themselves.
fn kept_lots(piece: &Written, sentences: &[Sentence]) -> Vec<Finding> {
    pattern!(CODE, r"\bl ?\.? ?2113-1(?P<n>[234])\b");
    pattern!(
        ALONE,
        r"\breserv|\bdedie|\bseule?s?\b|seulement|exclusi|uniquement|\bne peu(?:t|vent) [^.;]{0,60} que (?:les|des|une)\b|qu'(?:a|aux|a des|a une|a l')\b|destinee?s? (?:aux?|a (?:des|une))"
    );
    pattern!(DISABILITY, r"\besat\b|entreprises? adaptees?|\bea\b|handicap|travail protege|aide par le travail");
    pattern!(
        INSERTION,
        r"\bsiae\b|structures? d'insertion|entreprises? d'insertion|insertion par l'(?:activite|economi)|associations? intermediaires?|travail temporaire d'insertion|\betti\b|chantiers? d'insertion|l'insertion\b"
    );
    pattern!(
        NOT_KEPT,
        r"(?:ne|n')[^.;|]{0,40}\b(?:pas|ni|aucun)|\baucun|\bnon\b|sous-trait|cotrait|groupement|mise a disposition|critere|justif|copie|heures?\b|penal|publics?\b|chiffre d'affaires|avance|paie|agrement|convention\b|projet|memoire|attest|arrete"
    );
    let mut out: Vec<Finding> = Vec::new();
    for sentence in sentences {
        let text = sentence.folded.as_str();
        let by_code: Vec<u8> = CODE.captures_iter(text).filter_map(|c| c["n"].parse().ok()).collect();
        if by_code.is_empty() && !ALONE.is_match(text) || NOT_KEPT.is_match(text) {
            continue;
        }
        let in_row = if text.contains(" | ") { row_lot(text) } else { None };
        let mentions = figures::mentions(&piece.text[sentence.range.clone()]);
        let lots = match (in_row, mentions.as_slice()) {
            (Some(lot), _) => vec![Lot::clean_id(lot)],
            (None, [one]) if !one.lots.is_empty() => one.lots.clone(),
            _ => continue,
        };
        let beneficiary = match (by_code.as_slice(), DISABILITY.is_match(text), INSERTION.is_match(text)) {
            ([2], ..) => Beneficiary::Disability,
            ([3], ..) => Beneficiary::Insertion,
            ([4], ..) | ([], true, true) => Beneficiary::Both,
            ([], true, false) => Beneficiary::Disability,
            ([], false, true) => Beneficiary::Insertion,
            _ => continue,
        };
        let quote = piece.words(sentence.range.clone());
        let mut provision =
            Provision::new(ProvisionKind::Reserved, Evidence { field: Some(piece.name.clone()), quote: Some(quote) });
        provision.lots = lots;
        provision.beneficiary = Some(beneficiary);
        provision.mandatory = Some(true);
        out.push(Finding::new(What::Provision(Box::new(provision)), piece, sentence.range.clone(), 0));
    }
    out
}

/// The lots that the heading of an article, or of the one around it, names.
fn lots_of_heading(piece: &Written, article: Option<usize>) -> Vec<String> {
    let shown = article.map(|a| piece.heading(a)).unwrap_or_default();
    figures::mentions(&shown).into_iter().flat_map(|m| m.lots).collect()
}

/// For whom what is reserved is.
fn kept_for(found: &Finding) -> Option<Beneficiary> {
    match &found.what {
        What::Provision(p) => p.beneficiary,
        _ => None,
    }
}

/// The lot that a row is of.
fn row_lot(line: &str) -> Option<&str> {
    let first = line.split('|').next()?.trim();
    let found = LOT_CELL.captures(first)?;
    found.name("n").or(found.name("m")).map(|m| m.as_str())
}

/// Whether the hours of a clause are what a full-time post, or a day, is worth.
fn is_worth(p: &Provision) -> bool {
    let quote = p.evidence.quote.as_deref().map(vigie_classify::fold::fold).unwrap_or_default();
    WORTH.is_match(&quote) && !OWED.is_match(&quote)
}

/// Where tenders are judged: nowhere else does a figure weigh one.
fn judges(kind: Kind) -> bool {
    matches!(kind, Kind::Rc | Kind::Notice | Kind::Ccp | Kind::Other)
}

/// A clause that has hours and a share, which different sentences give, as two.
fn each(piece: &Written, sentences: &[Sentence], provision: Provision) -> Vec<Provision> {
    let (Some(hours), Some(percent)) = (provision.hours, provision.percent) else { return vec![provision] };
    let gives = |s: &Sentence, unit: Unit, n: f64| figures::of(&s.folded, unit).iter().any(|f| (f.n - n).abs() < 0.01);
    let both = sentences.iter().any(|s| gives(s, Unit::Hours, hours) && gives(s, Unit::Percent, percent));
    let apart = sentences.iter().any(|s| gives(s, Unit::Percent, percent)) && !both;
    let quoted = provision.evidence.quote.as_deref().and_then(|q| piece.find(q)).is_some();
    if !apart || !quoted {
        return vec![provision];
    }
    let mut share = Provision { hours: None, hours_max: None, hours_yearly: false, ..provision.clone() };
    // It is said where it is said, of the lots that are named there.
    if let Some(own) = sentences.iter().find(|s| gives(s, Unit::Percent, percent)) {
        share.evidence.quote = Some(piece.judged()[own.range.clone()].to_owned());
        let named = figures::mentions(&piece.text[own.range.clone()]);
        share.lots = named.into_iter().flat_map(|m| m.lots).collect();
    }
    vec![Provision { percent: None, ..provision }, share]
}

/// Leads a clause whose words do not give its figure to the sentence near them that does; of hours a year and what they make in all,
/// those of a year count.
fn resite(piece: &Written, sentences: &[Sentence], provision: &mut Provision) {
    /// Sentences looked at on either side.
    const NEAR: usize = 6;
    let (unit, n) = match (provision.kind, provision.hours, provision.percent) {
        (ProvisionKind::ExecutionClause, Some(n), None) => (Unit::Hours, n),
        (ProvisionKind::ExecutionClause, None, Some(n)) => (Unit::Percent, n),
        _ => return,
    };
    let Some(at) = provision.evidence.quote.as_deref().and_then(|q| piece.find(q).map(|at| at..at + q.len())) else {
        return;
    };
    let touches = |s: &&Sentence| s.range.start < at.end && at.start < s.range.end;
    let gives = |s: &Sentence| figures::of(&s.folded, unit).iter().any(|f| (f.n - n).abs() < 0.01);
    let Some(own) = sentences.iter().position(|s| touches(&s)) else { return };
    let within = sentences.iter().skip(own).take_while(touches);
    if !piece.text[at.clone()].contains(" | ") && !within.clone().any(gives) {
        let near = (own.saturating_sub(NEAR)..sentences.len().min(own + NEAR)).filter(|i| gives(&sentences[*i]));
        if let Some(there) = near.min_by_key(|i| (sentences[*i].line != sentences[own].line, i.abs_diff(own))) {
            provision.evidence.quote = Some(piece.judged()[sentences[there].range.clone()].to_owned());
        }
        return;
    }
    let Some(sentence) = within.clone().find(|s| gives(s)).filter(|_| unit == Unit::Hours) else { return };
    let given = figures::of(&sentence.folded, Unit::Hours);
    for pair in given.windows(2).filter(|pair| (pair[1].n - n).abs() < 0.01) {
        let between = &sentence.folded[pair[0].range.end..pair[1].range.start];
        if TOTAL.is_match(between) && is_so_many_times(pair[1].n, pair[0].n) {
            provision.hours = Some(pair[0].n);
        }
    }
}

// What so many hours a year make.
pattern!(
    TOTAL,
    r"\bsoit\b|ce qui (?:fait|donne|represente)|au total|en tout|c'est-a-dire|cela (?:fait|fera)|pour les [a-z]+ (?:annees|ans)|sur (?:les )?[a-z]+ (?:annees|ans)|toute la duree|jusqu'a son terme"
);

/// Whether one number is a few times another.
fn is_so_many_times(n: f64, of: f64) -> bool {
    let times = n / of;
    (2.0..=6.0).contains(&times.round()) && (times - times.round()).abs() < 0.01
}

/// What hours of a year make in all repeats them.
fn drop_totals(found: &mut Vec<Finding>) {
    let hours = |f: &Finding| match &f.what {
        What::Provision(p) if p.kind == ProvisionKind::ExecutionClause => Some((p.hours?, p.lots.clone())),
        _ => None,
    };
    let all: Vec<(f64, Vec<String>)> = found.iter().filter_map(hours).collect();
    found.retain(|f| {
        let total = hours(f).filter(|_| TOTAL.is_match(&vigie_classify::fold::fold(&f.quote)));
        !total.is_some_and(|(n, lots)| all.iter().any(|(of, l)| *l == lots && is_so_many_times(n, *of)))
    });
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
    // "2 | Intercités 1 850": the last column, read with the one before it.
    pattern!(LAST, r"[a-z)] (?P<n>[0-9]{1,3}(?: [0-9]{3})+|[0-9]{2,5})$");
    let near = || cells.last().and_then(|c| figure(&LAST.captures(c)?["n"]));
    cells.iter().skip(1).find_map(|c| figure(c)).or_else(near)
}

/// The rows of a table that gives hours of insertion lot by lot.
fn rows(piece: &Written, topics: &Topics) -> Vec<Finding> {
    pattern!(
        OF_HOURS,
        r"^(?:nombre |volume |quantite |minimum )?(?:annuel )?(?:d'|des? |l')?(?:heures? )?(?:d'|de l'|l')?(?:insertion|clause (?:sociale|d'insertion))[^|]{0,30}$"
    );
    let mut out = Vec::new();
    let mut head: Option<&Line> = None;
    for line in &piece.lines {
        // "Insertion | 600 heures par lot".
        let label =
            line.folded.split_once(" | ").filter(|(cell, rest)| OF_HOURS.is_match(cell) && !rest.contains(" | "));
        let hours = label.and_then(|(_, rest)| figures::of(rest, Unit::Hours).first().map(|f| f.n));
        if let Some(hours) = hours.filter(|h| *h >= LEAST_HOURS) {
            out.push(owed(piece, &line.range, Vec::new(), (Some(hours), None)));
            continue;
        }
        let of_clause = topics.is_of_clause(line.article) || piece.kind == Kind::SocialAnnex;
        // "11 et 12 | 420 heures pour chacun des lots 11 et 12".
        if let Some((hours, lots)) = of_several(&piece.text[line.range.clone()], &line.folded)
            && (of_clause
                || OF_CLAUSE.is_match(&piece.headings(line.article))
                || head.is_some_and(|h| OF_CLAUSE.is_match(&h.folded)))
        {
            out.push(owed(piece, &line.range, lots, (Some(hours), None)));
            continue;
        }
        // Under a head that names hours, a number needs no unit.
        let counts = head.is_some_and(|h| h.folded.contains("heure") || h.folded.contains("volume"));
        let named = || OF_CLAUSE.is_match(&line.folded) && line.folded.contains("heure");
        let Some((lot, hours)) = row(&line.folded).map(|(lot, hours)| match hours {
            None if counts && (of_clause || named()) => (lot, bare_hours(&line.folded)),
            hours => (lot, hours),
        }) else {
            if !line.folded.contains('|')
                || OF_CLAUSE.is_match(&line.folded)
                || line.folded.contains("heure")
                || line.folded.contains("volume")
            {
                head = Some(line);
            }
            continue;
        };
        let speaks = of_clause
            || counts && named()
            || head.is_some_and(|h| OF_CLAUSE.is_match(&h.folded))
            || OF_CLAUSE.is_match(&piece.headings(line.article));
        let lots = || vec![Lot::clean_id(lot)];
        // "11 | quinze pour cent des heures travaillées".
        let of_hours = hours.is_none() && speaks && line.folded.contains("heures");
        if of_hours && figures::of(&line.folded, Unit::Hours).is_empty() {
            let share = figures::of(&line.folded, Unit::Percent).first().map(|f| f.n).filter(|p| *p < 100.0);
            out.extend(share.map(|percent| owed(piece, &line.range, lots(), (None, Some(percent)))));
        }
        if let Some(hours) = hours.filter(|h| *h > 0.0 && speaks) {
            out.push(owed(piece, &line.range, lots(), (Some(hours), None)));
        }
    }
    out
}

/// A clause that words of a piece lay upon whoever wins: for some lots, so many hours or such a share.
fn owed(
    piece: &Written,
    range: &Range<usize>,
    lots: Vec<String>,
    (hours, percent): (Option<f64>, Option<f64>),
) -> Finding {
    let evidence = Evidence { field: Some(piece.name.clone()), quote: Some(piece.words(range.clone())) };
    let mut provision = Provision::new(ProvisionKind::ExecutionClause, evidence);
    (provision.lots, provision.hours, provision.percent) = (lots, hours, percent);
    provision.mandatory = Some(true);
    Finding::new(What::Provision(Box::new(provision)), piece, range.clone(), 0)
}

/// The hours and the lots of a row of several lots.
fn of_several(text: &str, folded: &str) -> Option<(f64, Vec<String>)> {
    pattern!(LISTED, r"^(?:lots? )?[0-9]{1,2}(?:(?: ?, ?| et | a | ?- ?)[0-9]{1,2})+$");
    let (cell, rest) = folded.split_once(" | ").filter(|(cell, _)| LISTED.is_match(cell.trim()))?;
    let hours = rest.split(" | ").find_map(|c| HOURS_CELL.captures(c.trim())?.name("n"))?;
    let hours = hours.as_str().replace(' ', "").parse::<f64>().ok().filter(|h| *h >= LEAST_HOURS)?;
    let first = text.split(" | ").next().unwrap_or(cell);
    let named = if first.to_lowercase().contains("lot") { first.to_owned() } else { format!("lots {first}") };
    let lots: Vec<String> = figures::mentions(&named).into_iter().flat_map(|m| m.lots).collect();
    (!lots.is_empty()).then_some((hours, lots))
}

/// What a bill of prices counts for the clause: rows that name it, and those of a sheet about it.
fn rows_of_bill(piece: &Written) -> Vec<Finding> {
    let found = |line: &Line, hours: Option<f64>, percent: Option<f64>| {
        let lots = row_lot(&line.folded).map(Lot::clean_id).into_iter().collect();
        owed(piece, &line.range, lots, (hours, percent))
    };
    let number = |c: &regex::Captures<'_>, group: &str| {
        c.name(group).and_then(|m| m.as_str().replace(' ', "").replace(',', ".").parse::<f64>().ok())
    };
    let mut out = Vec::new();
    // The head of a table of hours that are due, in a sheet that speaks of the clause.
    let mut due = false;
    let mut of_clause = false;
    for line in &piece.lines {
        if let Some(told) = COUNTED_IN.captures(&line.folded).filter(|_| !homonyms::is_of_things(&line.folded)) {
            out.push(found(line, number(&told, "h"), number(&told, "p")));
        } else if let Some(hours) = row_lot(&line.folded).filter(|_| due).and_then(|_| bare_hours(&line.folded)) {
            out.push(found(line, Some(hours), None));
        } else {
            let row = line.folded.contains(" | ");
            // A line under the title of a sheet may say what is to be done with it.
            let near = !row && line.folded.len() < 120;
            of_clause = clause::is_heading(&line.folded) || of_clause && (row || near);
            of_clause |= clause::is_heading(&piece.headings(line.article));
            due = row && DUE.is_match(&line.folded) && (of_clause || OF_CLAUSE.is_match(&line.folded));
        }
    }
    out
}

/// Fewer hours are a day's or a week's work, or the hour of a clock.
const LEAST_HOURS: f64 = 25.0;

/// Hours and shares that sentences of the clause give, each with its lots.
fn lot_by_lot(piece: &Written, sentences: &[Sentence], topics: &Topics, judged: &[Provision]) -> Vec<Finding> {
    pattern!(OTHER_HOURS, r"(?:sous|dans les|delai de|delais? d'au moins|avant les?) $");
    pattern!(
        OF_OTHERS,
        r"^ ?(?:des (?:cas|appels|interventions|demandes|situations|reclamations|passages)\b|par semaine|par jour|de formation|d'attente|de retard|hebdomadaire|apres|avant)"
    );
    pattern!(
        OF_WORK,
        r"heures?|masse horaire|cette part\b|\bpart de\b|ce taux|cette proportion|temps de presence|temps (?:de travail|travaille|passe)|main[- ]d'oeuvre|effectifs?|masse salariale"
    );
    pattern!(
        OTHER_SENTENCE,
        r"penal|sanction|manqu|non (?:realis|effectu|execut|fait)|euros?\b|€|\bhausse|baisse|avenant|revis|tolere|atteint|depass|dans la limite|plafon|bilan|transmi|proratis|moitie du montant"
    );
    let mut out = Vec::new();
    // The last sentence that gave hours: the next one may leave the word out.
    let mut last: Option<usize> = None;
    for (i, sentence) in sentences.iter().enumerate() {
        let text = sentence.folded.as_str();
        if !topics.is_clause(i) || sentence.is_heading || text.contains(" | ") || OTHER_SENTENCE.is_match(text) {
            continue;
        }
        let words = &piece.text[sentence.range.clone()];
        let mentions = figures::mentions(words);
        let counted = last.is_some_and(|b| i - b <= 3);
        let mut counts_on = false;
        for unit in [Unit::Hours, Unit::Percent] {
            let plain = |f: &figures::Figure| {
                let (before, after) = (&words[..f.range.start], &words[f.range.end..]);
                let other = OTHER_HOURS.is_match(&vigie_classify::fold::fold(before))
                    || OF_OTHERS.is_match(&vigie_classify::fold::fold(after));
                match unit {
                    Unit::Hours => f.n >= LEAST_HOURS && !other,
                    _ => OF_WORK.is_match(text) && f.n < 100.0,
                }
            };
            let mut found: Vec<figures::Figure> = figures::written(words, unit).into_iter().filter(plain).collect();
            if unit == Unit::Hours && (counted || !found.is_empty()) {
                found.extend(unnamed(words, &found));
                found.sort_by_key(|f| f.range.start);
            }
            counts_on |= unit == Unit::Hours && !found.is_empty();
            let shared = figures::shared(&found, &mentions);
            let told = shared.iter().all(|s| s.told) && (shared.len() > 1 || shared.iter().any(|s| !s.lots.is_empty()));
            // One figure that the clause asks for, of the lots that its heading names, and that the judgement passed over.
            let known = |n: f64| {
                let clause = |p: &&Provision| p.kind == ProvisionKind::ExecutionClause;
                judged.iter().filter(clause).any(|p| p.hours == Some(n) || p.percent == Some(n))
            };
            let alone = match shared.as_slice() {
                [one] => mentions.is_empty() && OWED.is_match(text) && !known(one.n) && one.n >= 1.0,
                _ => false,
            };
            for mut share in shared.into_iter().filter(|_| told || alone) {
                if alone {
                    share.lots = lots_of_heading(piece, sentence.article);
                }
                let told = if unit == Unit::Hours { (Some(share.n), None) } else { (None, Some(share.n)) };
                out.push(owed(piece, &sentence.range, share.lots, told));
            }
        }
        if counts_on {
            last = Some(i);
        }
    }
    out
}

/// Numbers of hours whose unit the words before them said: "et 450 pour le lot 3", "celui du lot 2 en réserve quatre cents".
fn unnamed(words: &str, named: &[figures::Figure]) -> Vec<figures::Figure> {
    pattern!(
        BARE,
        r"\b(?P<n>[0-9]{1,3}(?: [0-9]{3})+|[0-9]{2,5}|[a-z]+(?:[ -][a-z]+){0,4}) (?:pour|au|aux|sur) (?:(?:le|les|la) )?(?:lots?|ensembles?)\b|\ben (?:reserve|doit|doivent|consacre|realise|effectue|fait|font|fournit|assure|compte|donne|reservent)(?:ra|nt|ront)? (?P<m>[0-9]{1,3}(?: [0-9]{3})+|[0-9]{2,5}|[a-z]+(?:[ -][a-z]+){0,4}?)(?:$|[.,;:]| (?:par|chaque|sur|au|a|l'an)\b)"
    );
    let folded = vigie_classify::fold::Folded::of(words);
    let taken = |r: &Range<usize>| named.iter().any(|f| f.range.start < r.end && r.start < f.range.end);
    let read = |c: regex::Captures<'_>| {
        let found = c.name("n").or(c.name("m"))?;
        let digits = found.as_str().replace(' ', "").parse::<f64>().ok().map(|n| (0, n));
        let (at, n) = digits.or_else(|| figures::in_words(found.as_str()))?;
        let range = folded.original(found.start() + at..found.end());
        (n >= LEAST_HOURS && !taken(&range)).then_some(figures::Figure { range, n, unit: Unit::Hours })
    };
    BARE.captures_iter(&folded.text).filter_map(read).collect()
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
        What::Criterion { name, weight, sub, lots } if is_social_one(name, *sub, &mut within) => {
            let evidence = Evidence { field: Some(f.at.piece.clone()), quote: Some(f.quote.clone()) };
            let mut provision = Provision::new(ProvisionKind::AwardCriterion, evidence);
            provision.weight = *weight;
            provision.lots.clone_from(lots);
            Some(Finding { what: What::Provision(Box::new(provision)), ..f.clone() })
        }
        _ => None,
    });
    social.collect()
}

/// A finding at the line of its quote that gives its figure, else at the one that names its lot, else at the first that is no heading; without a quote that stands in the
/// text, nothing is told.
fn located(
    piece: &Written,
    quote: Option<String>,
    figure: Option<String>,
    lots: &[String],
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
    let says = figure.and_then(|f| {
        let digits = lines.iter().find(|l| has_number(&l.folded, &f));
        digits.or_else(|| lines.iter().find(|l| has_words(&l.folded, &f)))
    });
    let names = |l: &&&Line| figures::mentions(&piece.text[l.range.clone()]).iter().any(|m| m.lots == lots);
    let says = says.or_else(|| lines.iter().filter(|_| !lots.is_empty()).find(names));
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

/// Whether a text gives in words a number that begins with these digits.
fn has_words(text: &str, digits: &str) -> bool {
    figures::all(text).iter().any(|f| {
        let own = format!("{:.0}", f.n.trunc());
        own.strip_prefix(digits).is_some_and(|rest| rest.is_empty() || rest.len() == 3)
    })
}

/// Whether a text holds these digits as a number's beginning.
fn has_number(text: &str, digits: &str) -> bool {
    text.match_indices(digits).any(|(i, _)| !text[..i].ends_with(|c: char| c.is_ascii_digit()))
}

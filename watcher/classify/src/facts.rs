//! Facts needed to decide, quoted: duration and renewals (hence the latest end), framework maximum, lot caps, imposed
//! form of a joint bid, minimum turnover, staff takeover, certificates, visits without a date.

use vigie_domain::{DecisionFact, Evidence, FactKind, Notice};

use super::anchors::Topic;
use super::dates;
use super::finding::Reading;
use super::numerals::counted;
use super::quantity::figure;
use super::statement::Units;

/// A small number in digits or words.
macro_rules! count {
    () => {
        r"[0-9]{1,3}|une?|deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|quinze|dix-huit|vingt-quatre|trente|trente-six|quarante-huit|soixante"
    };
}

// Gaps are bounded by the window and the sentence, not counted: a counted gap costs a state a byte.
pattern!(
    MONTHS,
    r"(?:duree|duration|periode initiale|delai d'execution|delais d'execution)[^.;]*?(?P<n>",
    count!(),
    r") ?(?:\([0-9]+\) )?(?P<u>mois|ans?\b|annees?|jours\b|semaines\b)"
);
pattern!(
    CONCLUDED,
    r"(?:conclue?s? pour (?:une (?:periode|duree) (?:initiale )?(?:de |d'))?|(?:accord-cadre|marche|contrat) d(?:e |')|periode initiale (?:de |d'))(?P<n>",
    count!(),
    r") ?(?:\([0-9]+\) )?(?P<u>mois|ans?\b|annees?)"
);
pattern!(
    RENEWAL_PERIOD,
    r"(?:(?:fois|reconductions?|reconduit[es]*|reconductible)[^.;]*?(?:periodes?|durees?) (?:supplementaires? )?(?:de |d')|\bfois (?:de )?|reconductions? (?:potentielle )?de )(?P<n>",
    count!(),
    r") ?(?:\([0-9]+\) ?)?(?P<u>mois|ans?\b|annees?)"
);
pattern!(ALL_IN, r"reconductions? (?:comprises|incluses)|duree (?:maximale|totale)|comprises?\)|incluses?\)");
pattern!(FIRM, r"\bferme (?:de |d')(?P<n>", count!(), r") ?(?:\([0-9]+\) ?)?(?P<u>mois|ans?\b|annees?)");
pattern!(FORM_MONTHS, r"(?:duration|duree[^.;:0-9]*\b(?:en|\() ?mois\)?) ?:? ?(?P<n>[0-9]{1,3})\b");
pattern!(
    RENEWALS,
    r"[ (:](?P<n>",
    count!(),
    r") ?(?:\([0-9]\) )?reconductions?|(?:recondu[a-z]*|renouvel[a-z]*)[^.;]*?(?P<m>",
    count!(),
    r") (?:\([0-9]\) )?fois|nombre (?:maximal |maximum )?de (?:periodes? de )?(?:reconductions?|renouvellements?)[^0-9.;]*(?P<o>[0-9])"
);
pattern!(
    MAXIMUM,
    r"(?:montant |valeur )?(?:maximum|maximal[e]?)[^.;0-9]{0,60}(?P<n>[0-9]{1,3}(?:[ .][0-9]{3})+(?:,[0-9]{2})?|[0-9]{4,}(?:[.,][0-9]{2})?) ?(?:eur\b|euros?|€)",
    r"|(?:montant |valeur )?(?:maximum|maximal[e]?)[^.;0-9]{0,60}(?:(?P<mega>[0-9]{1,3}(?:[.,][0-9]{1,3})?) ?(?:m ?€|meur|millions? d'euros)|(?P<kilo>[0-9]{1,4}(?:[.,][0-9])?) ?k ?(?:€|eur))"
);
pattern!(
    LOT_CAP,
    r"(?:nombre (?:maxim(?:al|um) )?de lots[^.;:]*?(?:un (?:seul )?soumissionnaire|meme soumissionnaire|candidat|attribu)[^.;0-9]*:? ?|lot_max_(?:number|one_tenderer) ?: ?)(?P<n>[0-9]{1,3})",
    r"|(?:ne (?:peu\w+|pour\w+|ser\w+) (?:etre |etre declares? )?(?:attributaires?|titulaires?|remporter|se voir attribuer|soumissionner|obtenir|deposer|repondre)[^.;]*?(?:plus d[e'] ?|au plus |qu'a |que (?:pour |d[e'] ?)?))(?P<m>",
    count!(),
    r") (?:\([0-9]+\) )?(?:seuls? )?lots?|(?:possible|autorise)[^.;]*offres? pour (?:au maximum |maximum )?(?P<p>",
    count!(),
    r") lots?|(?:peut|peuvent|pourra|pourront) (?:remporter|obtenir|se voir attribuer|etre (?:declare )?attributaires? d)[^.;0-9]*(?:au (?:maximum|plus)|maximum|jusqu'a) (?P<r>",
    count!(),
    r") lots?|nombre de lots[^.;]*limite a (?P<o>",
    count!(),
    r")|(?:obtenir|attribuer|remporter|confier|gagner)[^.;0-9]{0,24}(?:plus d[e'] ?|maximum )(?P<s>",
    count!(),
    r")\b|(?:confier|attribuer|obtenir|remporter|titulaires? de) (?P<t>",
    count!(),
    r") lots? (?:au (?:maximum|plus)|maximum)"
);
pattern!(
    JOINT_FORM,
    r"groupement[^.;]{0,60}(?:prendre|adopter|revetir) (?:obligatoirement )?(?:la|une) forme (?:juridique )?(?:conjointe|solidaire)|forme (?:souhaitee|juridique|imposee|exigee)[^.;]{0,60}\b(?:conjointe?|solidaire)\b|groupement (?:d'(?:entreprises|operateurs)[a-z ]{0,20})?(?:conjoint avec (?:un )?mandataire solidaire|conjoint|solidaire)[^.;]{0,40}(?:impos|exig|oblig|transform|revetir)|(?:forme juridique|transformation)[^.;]{0,120}groupement (?:conjoint avec (?:un )?mandataire solidaire|conjoint|solidaire)|(?:impos|exig)[^.;]{0,60}groupement (?:conjoint|solidaire)|(?:prendre|adopter|revetir|constituer)[^.;]{0,30}forme[^.;]{0,20}groupement (?:conjoint avec (?:un )?mandataire solidaire|conjoint|solidaire)"
);
pattern!(
    TURNOVER,
    r"(?:chiffre d'affaires|\bca (?:annuel|moyen|global|minimum|minimal|hors))[^.;]*?(?:minim(?:um|al)[a-z]*|au moins egal|superieur ou egal|d'au moins)[^.;0-9]*(?P<n>[0-9]{1,3}(?:[ .][0-9]{3})+|[0-9]{4,}) ?(?:eur|€)|(?P<m>[0-9]{1,3}(?:[ .][0-9]{3})+|[0-9]{5,}) ?(?:eur[a-z]*|€)[^.;]{0,20}de chiffre d'affaires"
);
pattern!(
    TAKEOVER,
    r"reprise d[ue]s? (?:personnels?|salaries?|agents)|(?:article )?l ?1224-1|personnels? a reprendre|transfert (?:conventionnel )?d(?:u|es) (?:personnels?|agents|salaries)|(?:proposer|poursuivre) (?:un |les )?contrats?[^.;]{0,40}personnes? (?:actuellement )?affectees|(?:personnels?|salaries)[^.;]*(?:repris\b|a reprendre|transferes?\b)|repren[dn]\w* (?:le|les|l'ensemble du|tout le) (?:personnels?|salaries)"
);
pattern!(
    CERTIFICATE,
    r"\bcnaps\b|qualibat|qualipropre|certificats? de qualification professionnelle|certification (?:iso|nf|ce)|certifications? (?:exigee|demandee|requise|obligatoire)s?|\biso ?[0-9]{4,5}|\bmase\b|\bcertiphyto|agrement (?:prefectoral|sanitaire|service)"
);
pattern!(
    CERTIFICATE_ASKED,
    r"exig|demand|requis|obligatoire|fournir|titulaires? d|justifi|devra|doit|produire|equivalent"
);

pattern!(UNTIL, r"(?:duree|notification|conclu)[^.\n]{0,60} (?:jusqu'au|au) (?:1er|[0-9]{1,2})[/ .][a-z0-9]");

/// Reads the facts of text and fields.
#[must_use]
pub fn read(reading: &Reading<'_>, units: &Units, notice: &Notice) -> Vec<DecisionFact> {
    let mut out = Vec::new();
    let months = duration(reading, notice, &mut out);
    let renewals = renewals(reading, notice, &mut out);
    if let (Some(months), Some(renewals)) = (months, renewals) {
        // A renewal prolongs by the first duration unless the text tells its own period, or that all is counted already.
        let evidence = out.last().map(|f| f.evidence.clone()).unwrap_or_default();
        let said = |expression: &'static regex::Regex| reading.matches(Topic::Duration, expression).next();
        let told = reading.matches(Topic::Renewal, &RENEWAL_PERIOD).next();
        let period = told.and_then(|r| months_of(RENEWAL_PERIOD.captures(&reading.doc.text()[r])?));
        let firm = said(&FIRM).and_then(|r| months_of(FIRM.captures(&reading.doc.text()[r])?));
        // "De la notification au 31/12/2026, reconductible 2 fois 12 mois": a form's number of months that is more than the renewals counts them.
        let until = said(&UNTIL).is_some() && period.is_some_and(|p| months > renewals * p);
        let whole = match firm {
            None if until => months,
            // A form's number often counts the renewals; the firm part that the text tells does not.
            Some(firm) => firm + renewals * period.unwrap_or(firm),
            None if said(&ALL_IN).is_some() && period.is_none() && months > 12.0 => months,
            None => months + renewals * period.unwrap_or(months),
        };
        out.push(DecisionFact { kind: FactKind::LatestEnd, value: Some(whole), evidence, lot: None });
    }
    let numbered = [
        (FactKind::FrameworkMaximum, Topic::Maximum, &*MAXIMUM),
        (FactKind::LotCap, Topic::LotCap, &*LOT_CAP),
        (FactKind::MinimumTurnover, Topic::Turnover, &*TURNOVER),
    ];
    for (kind, topic, expression) in numbered {
        out.extend(first_number(reading, kind, topic, expression));
    }
    let told = [
        (FactKind::JointBidForm, Topic::JointForm, &*JOINT_FORM),
        (FactKind::StaffTakeover, Topic::Takeover, &*TAKEOVER),
    ];
    for (kind, topic, expression) in told {
        out.extend(first(reading, kind, topic, expression));
    }
    out.extend(certificate(reading));
    out.extend(visit(reading, units));
    out
}

fn fact(reading: &Reading<'_>, kind: FactKind, value: Option<f64>, range: std::ops::Range<usize>) -> DecisionFact {
    let lot = reading.doc.lot_at(range.start).map(str::to_owned);
    DecisionFact { kind, value, evidence: reading.doc.evidence(range), lot }
}

fn of_field(kind: FactKind, value: f64, field: &str) -> DecisionFact {
    DecisionFact {
        kind,
        value: Some(value),
        evidence: Evidence { field: Some(field.to_owned()), quote: None },
        lot: None,
    }
}

/// A captured number in digits or words.
fn read_count(text: &str) -> Option<f64> {
    counted(text).map(f64::from)
}

fn duration(reading: &Reading<'_>, notice: &Notice, out: &mut Vec<DecisionFact>) -> Option<f64> {
    if let Some(months) = notice.duration_months {
        out.push(of_field(FactKind::Duration, months, "duration"));
        return Some(months);
    }
    pattern!(
        OFFER_VALIDITY,
        r"validite|delai|paiement|conservation|garantie|maintenir|mandat|duree superieure|excedant"
    );
    let candidates = reading
        .matches(Topic::Duration, &FORM_MONTHS)
        .chain(reading.matches(Topic::Duration, &CONCLUDED))
        .chain(reading.matches(Topic::Duration, &MONTHS));
    for range in candidates {
        let words = &reading.doc.text()[range.clone()];
        if OFFER_VALIDITY.is_match(words) || OFFER_VALIDITY.is_match(reading.start_of_sentence(range.start, 30)) {
            continue;
        }
        let read = CONCLUDED.captures(words).or_else(|| MONTHS.captures(words)).and_then(months_of);
        let read = read.or_else(|| FORM_MONTHS.captures(words).and_then(|c| read_count(c.name("n")?.as_str())));
        let Some(months) = read.filter(|n| *n > 0.0) else { continue };
        out.push(fact(reading, FactKind::Duration, Some(months), range));
        return Some(months);
    }
    None
}

/// A captured number (`n`) and its unit (`u`) in months.
fn months_of(c: regex::Captures<'_>) -> Option<f64> {
    let n = read_count(c.name("n")?.as_str())?;
    Some(match c.name("u")?.as_str() {
        "mois" => n,
        // A month of work is thirty days.
        "jours" => (n / 30.0).round().max(1.0),
        "semaines" => (n * 7.0 / 30.0).round().max(1.0),
        _ => n * 12.0,
    })
}

fn renewals(reading: &Reading<'_>, notice: &Notice, out: &mut Vec<DecisionFact>) -> Option<f64> {
    if let Some(n) = notice.renewals.filter(|n| *n > 0) {
        out.push(of_field(FactKind::Renewals, f64::from(n), "renewals"));
        return Some(f64::from(n));
    }
    let (range, n) = reading.matches(Topic::Renewal, &RENEWALS).find_map(|range| {
        let c = RENEWALS.captures(&reading.doc.text()[range.clone()])?;
        let n = read_count(c.name("n").or(c.name("m")).or(c.name("o"))?.as_str())?;
        (n > 0.0).then_some((range, n))
    })?;
    out.push(fact(reading, FactKind::Renewals, Some(n), range));
    Some(n)
}

fn first_number(
    reading: &Reading<'_>,
    kind: FactKind,
    topic: Topic,
    expression: &'static regex::Regex,
) -> Option<DecisionFact> {
    reading.matches(topic, expression).find_map(|range| {
        let c = expression.captures(&reading.doc.text()[range.clone()])?;
        let (digits, unit) = [
            ("n", 1.0),
            ("m", 1.0),
            ("o", 1.0),
            ("p", 1.0),
            ("r", 1.0),
            ("s", 1.0),
            ("t", 1.0),
            ("mega", 1e6),
            ("kilo", 1e3),
        ]
        .iter()
        .find_map(|(name, unit)| Some((c.name(name)?.as_str(), unit)))?;
        let long = digits.len() > 3 && digits.starts_with(|c: char| c.is_ascii_digit());
        let value = read_count(digits).filter(|_| !long).or_else(|| figure(digits)).filter(|v| *v > 0.0)? * unit;
        Some(fact(reading, kind, Some(value), range))
    })
}

fn first(
    reading: &Reading<'_>,
    kind: FactKind,
    topic: Topic,
    expression: &'static regex::Regex,
) -> Option<DecisionFact> {
    pattern!(SAID_NO, r"^[^.;:]{0,20}[:=] ?(?:non\b|neant|sans objet|aucun)");
    let said_no = |range: &std::ops::Range<usize>| {
        reading.denied(range) || reading.taken_back(range.end) || SAID_NO.is_match(reading.rest_of_line(range.end, 50))
    };
    reading.matches(topic, expression).find(|range| !said_no(range)).map(|range| fact(reading, kind, None, range))
}

fn certificate(reading: &Reading<'_>) -> Option<DecisionFact> {
    reading
        .matches(Topic::Certificate, &CERTIFICATE)
        .find(|range| {
            let around = &reading.doc.text()[range.start - reading.doc.before(range.start, 120).len()
                ..range.end + reading.doc.after(range.end, 120).len()];
            CERTIFICATE_ASKED.is_match(around)
        })
        .map(|range| fact(reading, FactKind::Certificate, None, range))
}

/// A visit is told as a fact when it is compulsory, dated or not; `value` is 1.
fn visit(reading: &Reading<'_>, units: &Units) -> Option<DecisionFact> {
    let (range, unit) = dates::compulsory_visit(reading, units)?;
    let lot = reading.doc.lot_at(range.start).map(str::to_owned);
    Some(DecisionFact {
        kind: FactKind::Visit,
        value: Some(1.0),
        evidence: reading.doc.evidence_within(range, &unit),
        lot,
    })
}

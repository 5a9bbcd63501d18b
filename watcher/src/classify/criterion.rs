//! Award criteria on social performance (L2152-7, R2152-7; former article 53), with their weight.
//!
//! A bundled "environnementales et sociales", RSE or "développement durable" criterion is none, and "insertion dans le
//! site" belongs to architects.

use std::ops::Range;

use vigie_domain::{Evidence, Provision, ProvisionKind, notice::Criterion};

use super::anchors::Topic;
use super::finding::Reading;
use super::numbers::number;
use super::pattern::pattern;

pattern!(
    SOCIAL,
    r"\binsertion (?:sociale|prof|par l ?'?act|des (?:publics|personnes|jeunes))|(?:plan|heures|demarche|actions?|engagements?|efforts?|mesures?|politique|clause|volet|dispositif) (?:[a-z]+ ){0,2}d ?'? ?insertion",
    r"|(?:performances?|criteres?|valeur|qualite|volet|engagement|demarche|aspects?|dimension|approche) (?:[a-z]+ ){0,2}?sociale?s?\b",
    r"|accompagnement (?:medico-|socio-?professionnel|social)|emploi (?:de|des) (?:personnes|travailleurs|publics|salaries) (?:en situation de )?(?:handicap|en difficult|eloign|en insertion|en parcours|defavoris)",
    r"|criteres? relatifs? a l'insertion|(?:part|nombre|taux) (?:de|des) (?:personnes|travailleurs|salaries) (?:en situation de )?(?:handicap|en insertion)",
    r"|confiee?s? a des (?:publics|personnes) en insertion|volet insertion|insertion ac_weighting|en matiere d'insertion|criteres? (?:d ?'? ?)?insertion|criteres? [\x22«“]+ ?sociale?s?\b|en faveur de l'(?:insertion|inclusion)|criteres? ?(?:n ?° ?)?[0-9.]* ?[:-] ?(?:l')?insertion\b|\binsertion ?[-:(/] ?(?:ponderation|notee?)|publics? (?:en difficulte|eloignes?)"
);
pattern!(
    OTHER_MATTER,
    r"\b(?:site|creche|enfant\w*|accueil|paysag\w*|architect\w*|urbain\w*|batiment|demandeurs d'emploi|environnement\w*|responsabilite sociale|protection sociale|action sociale|raison sociale|logement\w*|relogement|bailleur)"
);
pattern!(STRUCTURE, r"(?:structures?|entreprises?|associations?|reserve\w*) (?:[\w']+ ){0,3}(?:d ?'? ?)?$");
pattern!(
    CRITERION_BEFORE,
    r"\bcriteres?\b|sous-critere|ponderation|(?:jugement|analyse|notation|classement) des offres"
);
pattern!(
    WEIGHT_AFTER,
    r"ac_weighting|[/,-] ?ponderation|^[^.;,]{0,60}?[:( -]? ?[0-9]+(?:[.,][0-9]+)? ?(?:points?|pts|%)"
);
pattern!(
    WEIGHT,
    r"^[^.;%,0-9]{0,30}[ ,]{0,2}(?P<m>[0-9]{1,3}(?:[.,][0-9]+)?) ?(?:%|points?|pts)|^[^;%0-9]{0,50}?ponderation ?:? ?(?P<p>[0-9]{1,3}(?:[.,][0-9]+)?)|^[^.;%,0-9]{0,90}?[ :(=-](?P<o>[0-9]{1,3}(?:[.,][0-9]+)?) ?(?:%|points?|pts)|^[^.;%]{0,60}?(?:ac_weighting ?: ?|ponderation ?: ?|[:(-] ?|\bde |notee? sur )(?P<n>[0-9]{1,3}(?:[.,][0-9]+)?) ?(?:%|points?|pts)?|^[^.;%0-9]{0,110}(?:: ?|\bponder\w+ (?:a )?)(?P<q>[0-9]{1,3}(?:[.,][0-9]+)?) ?(?:%|points?|pts)"
);
pattern!(
    SHARE_OF_WORK,
    r"^[^.;]{0,70}?[0-9]+(?:[.,][0-9]+)? ?%? ?(?:des heures|d'heures|du (?:volume|nombre)(?: d'heures| horaire| total)|du temps|de la (?:main|masse)|du montant|heures)",
    r"|^[^.;]{0,70}?(?:heures|temps de travail|main d'oeuvre)[^.;0-9]{0,25}[0-9]+(?:[.,][0-9]+)? ?%"
);
pattern!(NUMBERED, r"criteres? (?:n ?° ?)?[0-9]{1,2} ?[:-]");
pattern!(ABOUT_THE_SERVICE, r"\b(?:connaissances?|comprehension|experience)\b");
pattern!(TARIFF, r"^[^.;]{0,50}\b(?:revenus|quotient|tarif\w*|familles?)\b");
pattern!(NOT_AN_ITEM, r"\b(?:est|sont|sera) soumis|\bcomporte\b|\bprevoit\b|assorti d");
pattern!(SAID_NO, r"^ ?[:=] ?(?:non\b|neant|sans objet|aucun|0 ?%)");
pattern!(NOT_SELECTION, r"criteres? de selection des candidat|selection des candidatures|eligib");

/// Reads every social criterion the text tells.
#[must_use]
pub fn read(reading: &Reading<'_>) -> Vec<Provision> {
    let mut out: Vec<Provision> = Vec::new();
    for range in reading.matches(Topic::Criterion, &SOCIAL) {
        if !holds(reading, &range) {
            continue;
        }
        let weight = WEIGHT
            .captures(reading.doc.after(range.end, 120))
            .and_then(|c| number(c.name("m").or(c.name("p")).or(c.name("o")).or(c.name("n")).or(c.name("q"))?.as_str()))
            .filter(|w| *w <= 100.0);
        let lots = reading.lots(&range);
        if let Some(known) = out.iter_mut().find(|p| p.weight == weight || weight.is_none()) {
            if !known.lots.is_empty() {
                for lot in lots {
                    if !known.lots.contains(&lot) {
                        known.lots.push(lot);
                    }
                }
            }
            continue;
        }
        let mut provision = Provision::new(ProvisionKind::AwardCriterion, reading.doc.evidence(range));
        provision.weight = weight;
        provision.lots = lots;
        provision.article = Some("R2152-7".to_owned());
        out.push(provision);
    }
    out
}

fn holds(reading: &Reading<'_>, range: &Range<usize>) -> bool {
    let doc = reading.doc;
    let (before, after) = (doc.before(range.start, 90), doc.after(range.end, 70));
    let words = &doc.text()[range.clone()];
    // The item of the list alone: its neighbours have matters of their own.
    let (head, tail) = (doc.before(range.start, 45), doc.after(range.end, 40));
    let head = head.rfind([',', ';', '%', '/', '.']).map_or(head, |i| &head[i + 1..]);
    let tail = tail.find([',', ';', '%', '/']).map_or(tail, |i| &tail[..i]);
    let other_matter = OTHER_MATTER.is_match(head) || OTHER_MATTER.is_match(words) || OTHER_MATTER.is_match(tail);
    if STRUCTURE.is_match(before) || other_matter || NOT_SELECTION.is_match(before) {
        return false;
    }
    if SHARE_OF_WORK.is_match(after) && !NUMBERED.is_match(before) {
        return false;
    }
    if ABOUT_THE_SERVICE.is_match(reading.start_of_line(range.start, 80)) || TARIFF.is_match(after) {
        return false;
    }
    if reading.denied(range) || reading.taken_back(range.end) || SAID_NO.is_match(reading.rest_of_line(range.end, 40)) {
        return false;
    }
    if NOT_AN_ITEM.is_match(reading.start_of_sentence(range.start, 90)) && !WEIGHT_AFTER.is_match(after) {
        return false;
    }
    // "Clause d'insertion : 5 %" is a share of the hours unless it is called a criterion.
    if words.contains("clause") && !CRITERION_BEFORE.is_match(before) && !words.contains("critere") {
        return after.contains("ac_weighting") || after.contains("ponderation");
    }
    CRITERION_BEFORE.is_match(before) || WEIGHT_AFTER.is_match(after) || words.starts_with("critere")
}

/// Reads the criteria that a form lists field by field, where the context is known.
#[must_use]
pub fn read_listed(criteria: &[Criterion]) -> Vec<Provision> {
    pattern!(BARE, r"\binsertion\b|\bsociale?s?\b|\bsociaux\b|handicap|eloigne|inclusi");
    pattern!(
        BUNDLED,
        r"environnement|durable|\brse\b|ethique|societal|responsabilite sociale|protection sociale|action sociale"
    );
    criteria
        .iter()
        .filter(|c| {
            let name = super::fold::fold(&c.name);
            let social = SOCIAL.is_match(&name) || (BARE.is_match(&name) && name.len() < 120);
            social && !OTHER_MATTER.is_match(&name) && (!BUNDLED.is_match(&name) || name.contains("insertion"))
        })
        .map(|c| {
            let evidence = Evidence { field: Some(c.field.clone()), quote: Some(c.name.trim().to_owned()) };
            let mut provision = Provision::new(ProvisionKind::AwardCriterion, evidence);
            provision.weight = c.weight.filter(|w| (0.0..=100.0).contains(w));
            provision.lots = c.lot.iter().cloned().collect();
            provision.article = Some("R2152-7".to_owned());
            provision
        })
        .collect()
}

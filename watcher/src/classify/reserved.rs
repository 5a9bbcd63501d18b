//! Reservations told by the text (L2113-12 to L2113-16, L3113-1 and following; articles 15 of the former code and 36 of
//! ordonnance 2015-899).
//!
//! A form's box, a sentence of the buyer and a lot's title all say it; "informations sur les marchés réservés :" says
//! nothing, and many things other than contracts are "réservé". The buyer's words narrow a box.

use std::ops::Range;

use vigie_domain::{Beneficiary, Provision, ProvisionKind};

use super::anchors::Topic;
use super::finding::Reading;
use super::pattern::pattern;

pattern!(
    ANCHOR,
    r"\breserve (?:le|la|les|ce|cette|ces) (?:presente?s? )?(?:marches?|lots?|accords?-cadres?|consultation|procedure|contrat|concession)\b|\btype de (?:reservation|marche reserve)\b|\breserve(?:e?s?)\b|\breserver (?:le|les|ce|ces|un|certains|l'acces|tout|la|des)\b",
    r"|\breservation (?:du|des|de tout|de ce|d'un|de l|a des|aux?|au profit|au benefice|en faveur)\b|\breserved\b|\b(?:seule?s|uniquement|exclusivement)\b|restricted_sheltered_workshop|\brestricted to sheltered workshops",
    r"|\b(?:limite|dedie)e?s? (?:aux?|a des)\b|\bne peuvent (?:candidater|soumissionner|repondre|participer|concourir|deposer)\b[^.;]{0,60}? que\b",
    r"|\bne (?:sont|seront) (?:admis|autoris|habilit|recev|accept)\w* (?:a |[a-z]+ ){0,5}?que\b|\bn(?:'est|e sera|e sont) (?:ouverte?s?|accessibles?|destinee?s?|adressee?s?) qu'"
);
pattern!(
    DISABILITY,
    r"travailleurs? (?:en situation de )?handicap|(?:emplo[iy]\w*|plus de|50 ?%|majorite)[^.]{0,90}handicap|integration [^.]{0,60}handicap|\besats?\b",
    r"|(?:reservee?s? |aux? |des |\bet |\bou |/ ?)ea\b|\bea ?(?:[/,-]|et|ou) ?(?:aux )?esat|^ \(?ea\b|\blots? (?:n ?° ?)?[0-9]{1,3} [(:] ?ea\b|aide par le travail|accompagnement par le travail|\be\.s\.a\.t|entreprises? adaptee?|ateliers? proteges?",
    r"|(?:travail|secteur|milieu)(?: du travail)? (?:protege|adapte)|\b(?:et|ou) (?:du|le) handicap\b|\bstpa\b|\bcat\b ?[/,]|sheltered workshop|disabled worker|secteur du handicap|l5213-1[39]|l344-2|\be\.a\b|structures? du handicap|\beatt\b"
);
pattern!(
    INSERTION,
    r"(?:structures?|entreprises?|associations?|ateliers?|acteurs?|secteur|organismes?|chantiers?|operateurs?|public)(?: (?:ou|et) [a-z]+){0,2} d(?:e l)? ?'? ?(?:e?')?insertion",
    r"|insertion (?:sociale|professionnelle|par l)|\bsiaes?\b|\bs\.i\.a\.e|associations? intermediaires?|\bettis?\b|\beitis?\b|\bgeiqs?\b|\biae\b|defavorise|regies? de quartier|disadvantaged|l5132-4"
);
pattern!(
    SOCIAL_ECONOMY,
    r"economie sociale et solidaire|\bess\b|article 77|l2113-15|mission de service public et remplissent"
);
pattern!(PRISON, r"penitentiaire|l2113-13-1|detenu|etablissements? de detention");
pattern!(
    SUBJECT,
    r"marche|lot|consultation|participation|accord-cadre|procedure|contrat|concession|prestation|appel d'offres|\bil\b|contract|achat|commande"
);
pattern!(
    CONTRACT,
    r"\b(?:marche|lot|consultation|participation|accord-cadre|procedure|contrat|concession|appel d'offres)s?\b"
);
pattern!(
    OTHER_THING,
    r"(?:^|[^\w-])(?:places?|stationnements?|emplacements?|parkings?|vehicules?|berceaux|masques?|logements?|acces|voies?|quais?|creneaux|lignes?|sieges?|toilettes|cadre|espaces?|locaux|salles?|montant|somme|droits?)(?: [\w']+){0,2} $"
);
pattern!(
    HEADING,
    r"(?:informations? sur les march?es|information (?:about|on)|joindre|pour les marches|relatives? aux? marches?) $"
);
pattern!(
    NOT_A_STATEMENT,
    r"(?:\bse|\bs'|\bsous|\bsans|\binitialement|\bauparavant|\banciennement|\btoute|\bavec|\bnon|\bpas|\bni|aucun lot n'est|aucune partie n'est|groupe de|\bnot|\baucun marche|\bjamais) $"
);
pattern!(SAID_NO, r"^ ?\(?s?\)? ?(?:\(oui ?/ ?non\) ?)?[:=?] ?:? ?(?:non\b|no\b|neant|sans objet|aucun|0|/(?: |$)|ø)");
pattern!(TO_NONE, r"^ (?:ni\b|a aucune?\b|a nul)");
pattern!(
    THING_IS,
    r"\b(?:places?|stationnements?|emplacements?|parkings?|vehicules?|berceaux|logements?|acces|entrees?|voies?|quais?|creneaux|sieges?|espaces?|locaux|salles?|formations?|services?|ateliers?|usages?|benefice|droits?) (?:est|sont|sera|seront) (?:[a-z]+ )?$"
);
pattern!(
    OF_A_CONTRACT,
    r"\b(?:marche|lot|consultation|procedure|contrat)s? dont l'acces |\bacces (?:a |au |aux )(?:cette |ce |ces |la |present )?(?:marche|lot|consultation|procedure|contrat)s?\b"
);
pattern!(
    CALLED,
    r"\b(?:marche|lot|consultation|procedure|accord-cadre|contrat|concession)s? (?:n ?° ?)?(?:[0-9]{1,3} )?(?:est |sont |sera |seront )?(?:[a-z]+ment )?$"
);
// "Le titulaire réserve 5 % des heures": the winner keeps work for people, nobody keeps the contract.
pattern!(
    BIDDER_RESERVES,
    r"\b(?:titulaire|attributaire|prestataire|concessionnaire|delegataire|entreprise|candidat|soumissionnaire)s? (?:s'engagent? a |devra |doit )?$"
);
pattern!(
    PEOPLE,
    r"^ (?:aux?|a des|a la|a l') ?(?:personnes|travailleurs|salaries|vehicules|livraisons|agents|usagers|publics?|activites|eleves|enfants|beneficiaires|residents|patients|demandeurs)\b"
);
// Who it is for may be said before: "sera attribué à une structure d'insertion (marché réservé)".
pattern!(
    GIVEN_TO,
    r"(?:attribue|confie|destine|adresse)e?s? (?:a|aux?)\b|\b(?:devront|devra|doivent|doit) (?:[a-z]+ )?etre (?:des|une?)\b"
);
pattern!(NO_AT_END, r": ?non\b");
pattern!(
    OTHER_PEOPLE,
    r"^ (?:a|to|for|aux?) (?:une|la|a|the|des|l')? ?(?:seule )?(?:seules )?(?:particular |specific )?(?:profession|societes? d'assurance|compagnies? d'assurance|avocat|architecte|notaire|geometre|commissaires?|experts?|candidats? qui|usages?|titulaire|administration|entreprises? inscrites|transporteur|public\b|pme|petites|elu|agent|membre|abonne|habitants?|eleves|forains?|grossistes|laboratoires?|medecins?|pharmaci)"
);
pattern!(
    OTHER_USE,
    r"^ (?:par|a|pour|au) (?:la|l'|le|un|une|des)? ?(?:ville|commune|departement|usage|secteur traditionnel|public)"
);
pattern!(
    INVITES,
    r"adresse|eligible|candidat|soumission|remettre|deposer|presenter une offre|concourir|repondre|participer|admis|ouvert|habilite|destine|soumettre|autorise"
);
pattern!(PROGRAMME, r"programmes? d'emplois? proteges?|sheltered employment");
pattern!(
    WORKSHOP_BOX,
    r"^ (?:a|to) (?:des )?(?:ateliers proteges et a des operateurs|sheltered workshops and economic)"
);
pattern!(SERVICE_BOX, r"mission de service public|public service mission");
pattern!(ARTICLE, r"l2113-(1[2-6](?:-1)?)");
pattern!(OLD_ARTICLE, r"(?:\b(?P<before>i{1,2}) de l')?article (?P<n>15|36)\b(?:[ ,(-]{0,3}(?P<after>i{1,2})\b)?");
pattern!(OLD_LAW, r"2015-899|marches publics|\bcmp\b|ordonnance");
pattern!(DIRECT_RECIPIENT, r"^ ?[:(]? ?(?:aux?|a (?:des|l|une?)|ea\b|esat|siae|stpa)\b");
pattern!(HOURS_NOT_CONTRACT, r"heures|temps|%|main d'oeuvre|effectif|postes? de travail|embauches?");
pattern!(
    THE_CONTRACT,
    r"^ ?(?:present |presente |presents )?(?:marche|lot|accord-cadre|consultation|procedure|contrat|concession)s?\b"
);
pattern!(HOURS_ARE_RESERVED, r"\b(?:heures?|postes?|temps de travail|emplois|embauches?)\b[^.;:()]{0,60}$");
pattern!(SAID_AGAIN, r"^ ?: (?:la |le |l'|ce )?(?:participation|marche|lot|present|accord-cadre)[^.;]{0,50}reserve");
pattern!(
    CONDITION,
    r"\b(?:si|lorsque|en cas de|des lors que|lorsqu'un|quand|pourra(?:it|ient|ont)?|peut|peuvent|envisage de|susceptibles? d'etre)\b(?: [\w'-]+){0,6} $"
);
pattern!(SUPPOSED, r"\b(?:si|lorsque|en cas de|des lors que|lorsqu'un|quand)\b(?: [\w'-]+){0,6} $");
pattern!(TO_THEM, r"\b(?:leur|lui) (?:est|sera|etant|sont) $");
pattern!(TO_THOSE, r"^ ?(?:a (?:ces|ce type de|celles|ceux)|aux ?dit[es]*)\b");
pattern!(BARE_SUBJECT, r"\b(?:marches?|lots?|concessions?)\b[^,:.]{0,25}$");
pattern!(BARE_END, r"^ ?\(?s?\)? ?(?:$|[:=] ?(?:oui|yes)|[).,;:]|mono|en application|au titre|conform|[0-9])");
pattern!(
    PREFERENCE,
    r"(?:droit de preference|y compris|egalement|sous-trait|cotrait|construction|rehabilitation|renovation) [^.;]{0,80}$"
);
pattern!(ELLIPSIS, r"; (?:et )?(?:le |les )lots? [^.;]{0,30}(?:aux?|a des|a l') ");
pattern!(NEXT_LOT, r"(?:, |et |; )(?:le |les )?lots? (?:n ?° ?)?[0-9]");

/// How a reservation was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// A form's box: sheltered workshops and operators of integration.
    WorkshopBox,
    /// A form's box: organisations with a public service mission.
    ServiceBox,
    /// The buyer's own words.
    Words(Beneficiary),
}

struct Statement {
    range: Range<usize>,
    told: Told,
    lots: Vec<String>,
    /// "Tous les lots": said in so many words.
    all: bool,
    article: Option<String>,
}

/// Reads every reservation the text tells.
#[must_use]
pub fn read(reading: &Reading<'_>) -> Vec<Provision> {
    let statements: Vec<Statement> =
        reading.matches(Topic::Reserved, &ANCHOR).flat_map(|m| statements_at(reading, m)).collect();
    combine(reading, statements)
}

fn statements_at(reading: &Reading<'_>, range: Range<usize>) -> Vec<Statement> {
    let doc = reading.doc;
    let word = &doc.text()[range.clone()];
    let (before, after) = (doc.before(range.end - word.len(), 60), doc.after(range.end, 60));
    let (head, rest) = (reading.start_of_sentence(range.start, 180), reading.rest_of_sentence(range.end, 220));
    // What a line says of its lot ends where the next lot's line begins.
    let rest = doc.block_end(range.end).map_or(rest, |end| &rest[..rest.len().min(end.saturating_sub(range.end))]);
    if word.starts_with("restricted") {
        return vec![statement(reading, range, Told::WorkshopBox, None)];
    }
    let alone = matches!(word, "seules" | "seuls" | "seul" | "uniquement" | "exclusivement");
    let vetoed = NOT_A_STATEMENT.is_match(before)
        || HEADING.is_match(before)
        || TO_NONE.is_match(after)
        || (THING_IS.is_match(before) && !OF_A_CONTRACT.is_match(before))
        || (BIDDER_RESERVES.is_match(before) && word == "reserve")
        || (PEOPLE.is_match(after) && !CONTRACT.is_match(head))
        || SAID_NO.is_match(after)
        || NO_AT_END.is_match(reading.rest_of_line(range.end, 130))
        || OTHER_PEOPLE.is_match(after)
        || OTHER_USE.is_match(after)
        || SAID_AGAIN.is_match(after)
        || reading.denied(&range)
        || if alone { SUPPOSED.is_match(head) } else { CONDITION.is_match(head) }
        || (OTHER_THING.is_match(before) && recipient("", &rest[..rest.floor_char_boundary(80)]).is_none());
    if vetoed {
        return Vec::new();
    }
    // "Seuls", "limité à": a reservation only where bidders and their kind are named close by.
    let weak = alone
        || word.starts_with("limite")
        || word.starts_with("dedie")
        || word.starts_with("ne ")
        || word.starts_with("n'");
    if weak {
        let near = &rest[..rest.floor_char_boundary(110)];
        let tail = &head[head.ceil_char_boundary(head.len().saturating_sub(40))..];
        let invited = word.starts_with("ne ")
            || word.starts_with("n'")
            || word.starts_with("limite") && SUBJECT.is_match(head)
            || word.starts_with("dedie") && CALLED.is_match(head)
            || INVITES.is_match(tail)
            || INVITES.is_match(rest);
        // "Candidats éligibles : entreprises adaptées et ESAT uniquement."
        let listed_before =
            word == "uniquement" && rest.trim_matches([' ', '.']).is_empty() && recipient("", head).is_some();
        if listed_before && invited {
            return recipient("", head)
                .map(|(who, article)| statement(reading, range, Told::Words(who), article))
                .into_iter()
                .collect();
        }
        if !(invited && recipient("", near).is_some()) {
            return Vec::new();
        }
    }
    if PROGRAMME.is_match(rest) {
        return Vec::new(); // the programme box alone reserves nothing
    }
    if WORKSHOP_BOX.is_match(after) {
        return vec![statement(reading, range, Told::WorkshopBox, None)];
    }
    if SERVICE_BOX.is_match(rest) {
        return vec![statement(reading, range, Told::ServiceBox, None)];
    }
    let about_a_contract = SUBJECT.is_match(head)
        || weak
        || word.starts_with("reserver")
        || word.starts_with("reservation")
        || word.starts_with("type")
        || word.starts_with("reserve l")
        || word.starts_with("reserve c")
        || DIRECT_RECIPIENT.is_match(after);
    let share_of_work = (word.starts_with("reserver")
        && !THE_CONTRACT.is_match(rest)
        && HOURS_NOT_CONTRACT.is_match(&rest[..rest.floor_char_boundary(90)]))
        || HOURS_ARE_RESERVED.is_match(head);
    if !about_a_contract || share_of_work || PREFERENCE.is_match(head) {
        return Vec::new();
    }
    split_by_lot(reading, &range, head, rest)
}

/// "Le lot 1 est réservé aux EA, le lot 2 aux SIAE": one word, two statements.
fn split_by_lot(reading: &Reading<'_>, range: &Range<usize>, head: &str, rest: &str) -> Vec<Statement> {
    // "…; les lots 3 à 5 aux structures…" goes on behind the semicolon without its verb.
    let further = reading.doc.after(range.end, 300);
    let further = &further[..further.find(". ").unwrap_or(further.len())];
    let whole = if ELLIPSIS.is_match(further) { further } else { rest };
    let cuts: Vec<usize> = NEXT_LOT.find_iter(whole).map(|m| m.start()).collect();
    let first = &whole[..cuts.first().copied().unwrap_or(whole.len()).min(rest.len())];
    let rest = whole;
    let mut out: Vec<Statement> = words(head, first, reading, range)
        .map(|(who, article)| statement(reading, range.clone(), Told::Words(who), article))
        .into_iter()
        .collect();
    let own = super::numbers::lot_mentions(first).into_iter().next();
    if let (false, Some(mention), Some(said)) = (cuts.is_empty(), own, out.first_mut()) {
        said.lots = mention.lots;
    }
    for (i, cut) in cuts.iter().enumerate() {
        let part = &rest[*cut..cuts.get(i + 1).copied().unwrap_or(rest.len())];
        let lots = super::numbers::lot_mentions(part).into_iter().next().map(|m| m.lots).unwrap_or_default();
        let negated = part.contains(" non reserve") || part.contains("pas reserve") || part.contains(" ouvert");
        if let (Some((who, article)), false) = (recipient("", part), negated) {
            // A lot named after the recipient, "réservé aux EA pour le lot 1 et le lot 2", names no recipient of its own.
            out.push(Statement { range: range.clone(), told: Told::Words(who), lots, all: false, article });
        } else if !negated
            && (part.trim_start_matches([',', ' ']).starts_with("et ") || names_lots_only(part))
            && let Some(last) = out.last_mut().filter(|s| !s.lots.is_empty())
        {
            last.lots.extend(lots);
        }
    }
    out
}

/// Whether a part says nothing but lots: ", lot 7".
fn names_lots_only(part: &str) -> bool {
    let mut words = part.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    words.all(|w| matches!(w, "lot" | "lots" | "n" | "no" | "et") || w.chars().all(|c| c.is_ascii_digit()))
}

fn words(head: &str, rest: &str, reading: &Reading<'_>, range: &Range<usize>) -> Option<(Beneficiary, Option<String>)> {
    let tail = &head[head.ceil_char_boundary(head.len().saturating_sub(120))..];
    // "Le marché leur est réservé": to those named before.
    let to_them = || {
        (TO_THEM.is_match(head) || TO_THOSE.is_match(rest))
            .then(|| recipient("", reading.doc.before(range.start, 260)))
            .flatten()
    };
    recipient(tail, rest)
        .or_else(to_them)
        .or_else(|| GIVEN_TO.find(head).and_then(|m| recipient("", &head[m.start()..])))
        .or_else(|| {
            let after = reading.doc.after(range.end, 60);
            let in_a_lot_title =
                head.ends_with('(') && after.starts_with(')') && reading.doc.lot_at(range.start).is_some();
            (in_a_lot_title || BARE_SUBJECT.is_match(head) && BARE_END.is_match(after))
                .then_some((Beneficiary::Unspecified, None))
        })
}

/// For whom, from the words after the anchor and the articles on both sides.
fn recipient(tail: &str, rest: &str) -> Option<(Beneficiary, Option<String>)> {
    let articles: Vec<&str> = [tail, rest]
        .iter()
        .flat_map(|t| ARTICLE.captures_iter(t))
        .filter_map(|c| c.get(1))
        .map(|m| m.as_str())
        .collect();
    let cites = |a: &str| articles.contains(&a);
    let old = |number: &str, roman: &str| {
        (OLD_LAW.is_match(tail) || OLD_LAW.is_match(rest))
            && [tail, rest].iter().flat_map(|t| OLD_ARTICLE.captures_iter(t)).any(|c| {
                let part = c.name("before").or(c.name("after")).map_or("", |m| m.as_str());
                c.name("n").map(|m| m.as_str()) == Some(number) && part == roman
            })
    };
    let disability = DISABILITY.is_match(rest) || cites("12") || cites("14") || old("15", "") || old("36", "i");
    pattern!(TO_INSERTION, r"^ ?\(?(?:a )?(?:l ?'? ?)?(?:l')?insertion");
    let insertion =
        INSERTION.is_match(rest) || cites("13") || cites("14") || old("36", "ii") || TO_INSERTION.is_match(rest);
    let who = match (disability, insertion) {
        (true, true) => Beneficiary::Both,
        (true, false) => Beneficiary::Disability,
        (false, true) => Beneficiary::Insertion,
        (false, false) if PRISON.is_match(rest) || cites("13-1") => Beneficiary::Prison,
        (false, false) if SOCIAL_ECONOMY.is_match(rest) || cites("15") => Beneficiary::SocialEconomy,
        (false, false) => return None,
    };
    Some((who, articles.first().map(|a| format!("L2113-{a}"))))
}

fn statement(reading: &Reading<'_>, range: Range<usize>, told: Told, article: Option<String>) -> Statement {
    pattern!(WHOLE, r"\b(?:la (?:presente )?(?:consultation|procedure)|l'avis de marche)\b[^.;]{0,60}$");
    let head = reading.start_of_sentence(range.start, 200);
    let all = super::numbers::speaks_of_all_lots(head);
    // What stands below the last lot of a flat text may be about the whole again.
    let whole = WHOLE.is_match(head)
        && reading.doc.block_end(range.start).is_some()
        && super::numbers::lot_mentions(head).is_empty();
    let lots = if whole { Vec::new() } else { reading.lots(&range) };
    Statement { range, told, lots, all, article }
}

/// The buyer's words win over boxes, and a beneficiary named wins over none.
fn combine(reading: &Reading<'_>, statements: Vec<Statement>) -> Vec<Provision> {
    let named: Vec<Beneficiary> = statements
        .iter()
        .filter_map(|s| match s.told {
            Told::Words(who) if who != Beneficiary::Unspecified => Some(who),
            _ => None,
        })
        .collect();
    let social = |w: &Beneficiary| matches!(w, Beneficiary::Disability | Beneficiary::Insertion | Beneficiary::Both);
    let narrowed = named.iter().any(social);
    let by_words = !named.is_empty();
    // "Marché réservé." beside a box: the box says for whom, the words for which lots.
    let boxed = statements.iter().find_map(|s| match s.told {
        Told::WorkshopBox => Some(Beneficiary::Both),
        Told::ServiceBox => Some(Beneficiary::SocialEconomy),
        Told::Words(_) => None,
    });
    let mut out: Vec<Provision> = Vec::new();
    let mut all_lots: Vec<Beneficiary> = Vec::new();
    for s in statements {
        let beneficiary = match s.told {
            Told::WorkshopBox | Told::ServiceBox if by_words => continue,
            Told::WorkshopBox => Beneficiary::Both,
            Told::ServiceBox => Beneficiary::SocialEconomy,
            // The same reservation told again without its beneficiary.
            Told::Words(Beneficiary::Unspecified) if by_words && s.lots.is_empty() => continue,
            Told::Words(Beneficiary::Unspecified) if by_words => named[0],
            Told::Words(Beneficiary::Unspecified) => boxed.unwrap_or(Beneficiary::Unspecified),
            Told::Words(who) if narrowed && !social(&who) && s.lots.is_empty() => continue,
            Told::Words(who) => who,
        };
        let same = out.iter_mut().find(|p| p.beneficiary == Some(beneficiary));
        if let Some(known) = same {
            if s.all || all_lots.contains(&beneficiary) {
                known.lots.clear();
                all_lots.push(beneficiary);
            } else {
                merge_lots(&mut known.lots, s.lots);
            }
            known.article = known.article.take().or(s.article);
            continue;
        }
        let mut provision = Provision::new(ProvisionKind::Reserved, reading.doc.evidence(s.range.clone()));
        provision.beneficiary = Some(beneficiary);
        provision.lots = s.lots;
        if s.all {
            all_lots.push(beneficiary);
        }
        provision.article = s.article.or_else(|| article_of(beneficiary).map(str::to_owned));
        out.push(provision);
    }
    drop_box_beside_words(out)
}

/// A statement bound to lots makes one about "the contract" an echo of it: the lots stay.
fn merge_lots(known: &mut Vec<String>, more: Vec<String>) {
    if known.is_empty() {
        *known = more;
        return;
    }
    for lot in more {
        if !known.contains(&lot) {
            known.push(lot);
        }
    }
}

/// "Both" for the same lots as a narrower statement says no more than it.
fn drop_box_beside_words(mut provisions: Vec<Provision>) -> Vec<Provision> {
    let has = |list: &[Provision], who| list.iter().any(|p| p.beneficiary == Some(who) && p.lots.is_empty());
    if has(&provisions, Beneficiary::Disability) && has(&provisions, Beneficiary::Insertion) {
        let evidence = provisions[0].evidence.clone();
        provisions.retain(|p| {
            !(p.lots.is_empty() && matches!(p.beneficiary, Some(Beneficiary::Disability | Beneficiary::Insertion)))
        });
        if !has(&provisions, Beneficiary::Both) {
            let mut both = Provision::new(ProvisionKind::Reserved, evidence);
            both.beneficiary = Some(Beneficiary::Both);
            both.article = Some("L2113-14".to_owned());
            provisions.insert(0, both);
        }
    }
    if has(&provisions, Beneficiary::Both) {
        provisions.retain(|p| {
            !p.lots.is_empty() || !matches!(p.beneficiary, Some(Beneficiary::Disability | Beneficiary::Insertion))
        });
    }
    provisions
}

/// Where insertion is the object and only a form's box reserves it, the object tells for whom: people in schemes of
/// insertion by economic activity work in structures of that kind, disabled workers in the others.
pub(super) fn narrow_by_object(told: &mut [Provision], text: &str) {
    let by_activity = text.contains("insertion par l'activite economique");
    let disabled = ["travailleurs handicapes", "entreprises adaptees", "esat"].iter().any(|w| text.contains(w));
    let who = match (by_activity, disabled) {
        (true, false) => Beneficiary::Insertion,
        (false, true) => Beneficiary::Disability,
        _ => return,
    };
    let a_box = |p: &Provision| {
        let quote = p.evidence.quote.as_deref().map(super::fold::fold).unwrap_or_default();
        quote.contains("restricted_sheltered") || quote.contains("ateliers proteges et a des operateurs")
    };
    for p in told.iter_mut().filter(|p| p.beneficiary == Some(Beneficiary::Both)) {
        if a_box(p) {
            p.beneficiary = Some(who);
            p.article = article_of(who).map(str::to_owned);
        }
    }
}

/// The article under which such a reservation is made, when the text cites none.
#[must_use]
pub fn article_of(beneficiary: Beneficiary) -> Option<&'static str> {
    match beneficiary {
        Beneficiary::Disability => Some("L2113-12"),
        Beneficiary::Insertion => Some("L2113-13"),
        Beneficiary::Both => Some("L2113-14"),
        Beneficiary::Prison => Some("L2113-13-1"),
        Beneficiary::SocialEconomy => Some("L2113-15"),
        Beneficiary::Unspecified => None,
    }
}

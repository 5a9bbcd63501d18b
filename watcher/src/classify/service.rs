//! Contracts whose object *is* insertion, the works being their support (R2123-1 3°; former articles 30 of the code and
//! 28 of décret 2016-360). Jobseeker services bought from training firms are not.

use vigie_domain::{Provision, ProvisionKind};

use super::anchors::Topic;
use super::finding::Reading;
use super::pattern::pattern;

pattern!(
    OBJECT,
    r"(?:reinsertion|insertion (?:sociale|prof\w+|par l|economique|de |des ))[^.;]{0,120}?(?:a travers|au travers|(?:ayant |avec )?(?:comme|pour) activites? supports?|au moyen|par le biais|par l'execution|par la realisation|comme support|le support|pour support|ayant (?:comme|pour) support|par l'activite de|sous forme de chantier|supports? d'activite)",
    r"|(?:services?|prestations?|marche) (?:de|d'une demarche de) qualification (?:sociale )?et (?:d ?'? ?)?insertion|qualification (?:sociale |professionnelle )?et (?:d ?'? ?)?insertion",
    r"|services? d'insertion (?:(?:sociale|professionnelle|et|ou|de qualification) ?)+[^.;]{0,110}(?:nettoyage|entretien|espaces verts|proprete|travaux|collecte|blanchisserie|restauration|recyclage|peinture|debroussaill)",
    r"|insertion et (?:de )?qualification|supports? (?:technique|d'activites?|de production)[^.;]{0,60}insertion|insertion[^.;]{0,80}supports? (?:technique|d'activites?|de production|etant|sera)",
    r"|realis(?:ation|ee?s?) (?:de |des |d')?[^.;]{0,80} par des (?:personnes|publics|salaries) (?:en (?:parcours d')?insertion|eloignee?s? de l'emploi)",
    r"|(?:mise en oeuvre|gestion|animation|conduite|creation) d(?:e |'un |es |e l')(?:ateliers? et )?chantiers? (?:ecole )?d'insertion",
    r"|chantiers?[ -](?:ecole |educatif )?(?:d ?'? ?)?insertion (?:pour|sur|dans|ayant|:)|ateliers? et chantiers? d ?'? ?insertion ?(?::|pour|sur)|achat d'insertion",
    r"|(?:^|objet|intitule|title|marche) ?[: ]{0,3}(?:le present )?marches? d ?'? ?insertion|prestations? (?:de services? )?d ?'? ?insertion[^.;]{0,90}(?:nettoyage|entretien|espaces verts|proprete|travaux|collecte)",
    r"|(?:appui|accompagnement) [^.;]{0,20}a l'emploi[^;]{0,70}\bsupport\w*\b|marches? de (?:services?|prestations?) d'insertion|marche d'insertion (?:sociale|professionnelle|par)",
    r"|(?:finalite|but|vocation|objet)[^.;]{0,30}insertion[^.]{0,90}(?:est|sont|etant) (?:le|un|que le) support|insertion (?:sociale|professionnelle)[^.]{0,90}en (?:est|sont|etant) le support|reinsertion (?:sociale|professionnelle)[^.;]{0,40} par l(?:e |a |')(?:maraichage|nettoyage|entretien|travail|activite)|prestations? d'insertion[^;]{0,80}\bsupports? ?:",
    r"|actions? d'insertion[^.;]{0,60}(?:ayant (?:comme|pour) support|sous (?:la )?forme d|mises? en oeuvre a travers|a travers l)|(?:portage|encadrement)[^.;]{0,20} d(?:e|'un) (?:ateliers? et )?chantiers? d'insertion",
    r"|\b(?:l'objet|objet principal) (?:meme )?(?:du marche|de la consultation|du contrat|du present marche|de l'accord-cadre) est (?:l'|la )?(?:re)?insertion (?:sociale|professionnelle|par)",
    r"|accompagnement socio-?professionnel[^.;]{0,120}(?:au travers|a travers|par) (?:de |des |la |les )?(?:realisation d[eu]s? )?(?:travaux|activites?)"
);
pattern!(TRAINING, r"demandeurs d'emploi|pole emploi|france travail|\bformations?\b");
pattern!(SUPPORT, r"support|travailleurs handicap|chantier");
pattern!(OTHER_TALK, r"clause|critere|heures|\btitulaire (?:devra|s'engage|doit)|\breserve(?:e|s|es)?\b");

/// Reads whether the object is insertion.
#[must_use]
pub fn read(reading: &Reading<'_>) -> Vec<Provision> {
    for range in reading.matches(Topic::Service, &OBJECT) {
        let doc = reading.doc;
        let around =
            &doc.text()[range.start - doc.before(range.start, 120).len()..range.end + doc.after(range.end, 120).len()];
        if (TRAINING.is_match(around) && !SUPPORT.is_match(around))
            || OTHER_TALK.is_match(reading.start_of_line(range.start, 80))
        {
            continue;
        }
        let mut provision = Provision::new(ProvisionKind::InsertionService, doc.evidence(range.clone()));
        provision.lots = doc.lot_at(range.start).map(|l| vec![l.to_owned()]).unwrap_or_default();
        provision.article = Some("R2123-1".to_owned());
        return vec![provision];
    }
    Vec::new()
}

//! Terms: one table of what is looked for, by what words, under which headings, in which pieces, and how its number is read.
//!
//! A sentence tells a term if its words do, or if it holds together what such a term is made of, in whatever order (an offer, what binds,
//! a delay); that it stands under an article of that name, in the piece where it belongs, and gives the number, makes it surer. Parts of
//! a sentence that say different things of different lots are told one by one.

use regex::Regex;
use vigie_classify::pattern;

use super::figures::{self, Figure, Unit};
use super::sentence::Sentence;
use super::{Amount, Finding, Term, What};
use crate::piece::Kind;
use crate::written::Written;

pattern!(
    NO_CLAUSE,
    r"(?:ne comporte|ne comprend|n'est (?:assorti|soumis)|sans|aucune?|pas de)[^.;]{0,40}(?:consideration|clause|condition)s? (?:d'execution (?:a caractere )?)?(?:social|d'insertion)|(?:consideration|clause|condition)s?[^.:;]{0,60}social[^.:;]{0,40} ?: ?(?:aucune?|neant|non|sans objet)\b"
);
pattern!(VISIT, r"\bvisit(?:e|es|er|ent|ez|ee|ees)\b");
// Of going there, under an article about it.
pattern!(
    VISIT_HEADING,
    r"visite|a voir\b|\blieux\b|sur place|reconnaissance|reperage|\bvenir\b|se deplacer|voir (?:l[ae]s? |l')"
);
pattern!(
    OTHER_VISIT,
    r"^(?:[a-z]?[0-9]{1,2} \| )?[-–•* \x{f0b7}]*(?:pour [^,]{1,20}, )?(?:l'|une? |le )?(?:attestation|certificat|bon) de (?:visite|passage)|visites? (?:medicale|periodique|preventive|de controle|technique|de maintenance|d'entretien|de chantier|mensuelle|hebdomadaire|de reprise|d'information et de prevention)|rendez-vous de visite|carte de visite"
);
pattern!(
    MUST_VISIT,
    r"obligatoire|impose|\bdoi(?:t|vent)\b|\bdev(?:ra|rez|ront|ez|ons)\b|\bil faut\b|exige|irregul|prealable|\bnul ne\b|indispensable|imperati|incontournable|sans (?:l'|les )?(?:avoir|etre) (?:vu|visite|parcouru|venu)|conditionn|recevab|sous peine|eliminat|necessaire"
);
// A row that says of a lot whether its place is visited.
pattern!(VISIT_OF_LOT, r"facultati|obligatoire|neant|sans objet");
pattern!(
    MAY_VISIT,
    r"sans etre (?:imposee|obligatoire)|sans obligation|(?:n'est|ne sont) pas (?:obligatoire|impose|exige|requis)|non (?:obligatoire|exige)|facultati|convenance|\blibres?\b|inutile|(?:pas|non) (?:necessaire|requis)|conseille|recommande|(?:le|se) souhaite|juge utile|bon lui semble|rien ne (?:vous |l')?oblige|peu(?:t|vent) demander a (?:voir|visiter)"
);
// Who goes somewhere, and where, or before what.
pattern!(
    GOES_THERE,
    r"\bvenue?s?\b|\bvenir\b|\bvien(?:t|nent|dra|drez|dront)\b|se rend(?:re|ent)?\b|deplace|\bpassage dans|\bpassage (?:sur|par|obligatoire)|parcour|(?:avoir )?\bvu\b|reconnaissance|sur place|connaissance d(?:es|u) (?:lieux|sites?|locaux)"
);
pattern!(
    PLACE,
    r"avant de (?:repondre|remettre|chiffrer|soumissionner|deposer)|\blieux\b|\bsites?\b|locaux|\boffices?\b|batiments?|cuisine|repondre sans|soumissionner sans|etat des|\bvoir l|\blots? [a-z0-9]"
);
pattern!(
    NO_VISIT,
    r"aucun deplacement|rien de tel n'est (?:demande|exige)|aucune visite|pas de visite|(?:n'est|ne sera)[^.]{0,20} (?:prevu|organise)[^.]{0,10} de visite|visites? (?:n'est|ne sont|ne sera)[^.]{0,30} (?:prevu|organise)|n'appelle pas de visite"
);
pattern!(
    IS_VISIT,
    r"facultative|rendez-vous|conseillee|sur place|\blibres?\b|\bdepart\b|parcour|prealable|inscription|\bdates?\b|lieu|attest|certificat|emargement|preuve|delegue|absence|participant|convoqu|[0-9] ?h(?:eures?)?\b"
);
pattern!(
    ASKED,
    r"\bil faut|\bdevez\b|\bdepass(?:e|ent|er)\b|ressort|\bmontr|demontr|suffi(?:t|sent)|\bdoi(?:t|vent)\b|requi(?:s|se|ses|ert)\b|\battend|\bdemand|minim(?:um|al|ale|aux)s?\b|minimum|minimal|au moins|exige|superieur|inferieur|egal"
);
pattern!(
    VALIDITY,
    r"validite des (?:offres|propositions)|(?:delai|duree) (?:minimum |minimale |maximale? )?(?:de|pendant lequel|durant laquelle)[^.]{0,40}(?:valid|engage|lies?|tenu)[^.]{0,60}offre|(?:maintenir|lie[es]* par|engages? par|tenus? de maintenir)[^.]{0,20} (?:son|leur|l'|leurs) ?offres?|offres?[^.]{0,40}(?:valables?|valides?)\b|restent valables|tenus? (?:par|de) (?:son|leurs?) offre|maintient son offre|(?:le|me|nous|leurs? auteurs?|l'entreprise|le candidat|le soumissionnaire) (?:lie|engage)\b[^.]{0,60}(?:jours|mois|duree|delai)|offres? (?:[^.]{0,30}ne )?(?:lient?|engagent?) [^.]{0,80}(?:jours|mois)|conditions valent (?:pendant|durant)|^(?:(?:duree|delai) de )?validite(?: d[^|:]{0,30})? ?[|:]|^(?:duree|delai) de validite"
);
pattern!(
    QUESTION,
    r"(?:questions?|renseignements? complementaires?|demandes? (?:de renseignements|d'informations?|d'eclaircissements?|de precisions?|ecrites?))[^.]*(?:au plus tard|avant|jours?|delai)"
);
pattern!(
    VARIANT,
    r"\bvariantes?\b|\bautres? solutions?\b|(?:propositions?|solutions?|idees|reponses?) (?:differentes?|alternatives?|concurrentes?|(?:qui )?s'ecart[a-z]*)|prestations? supplementaires? eventuelles?|\bpse\b"
);
pattern!(TURNOVER, r"chiffres? d'affaires|^[-–• ]*ca ?[:|]|\bca (?:annuel|moyen|minimum|minimal|global|ht\b)");
pattern!(
    REFERENCES,
    r"^[-–• ]*references? ?:|\breferences\b(?: (?:professionnelles?|similaires?|equivalentes?|recentes?|de|des|d'|en|sur|au|dans|pour|relatives?)|[^a-z]*$|aupres)|(?:une|deux|trois|quatre|cinq) references?\b|liste des (?:principa(?:ux|les) )?(?:services|prestations|travaux|fournitures|livraisons|marches)|(?:presentation|liste) (?:de |d'une liste)[^.]{0,40}(?:chantiers?|operations?|plans?|projets?|realisations?|prestations?|services)\b[^.]{0,200}(?:dernieres? annees|moins de|\bans\b|annees)|certificats? de bonne execution|attestations? de bonne execution"
);
pattern!(
    NO_INSURANCE,
    r"assurance[- ]qualite|plan d'assurance|assurance maladie|garanties? (?:biennale|decennale)|garanties? [^.]{0,20}et decennale|frais d[^.]{0,40}d'assurance|prix [^.]{0,80}assurances?\b"
);
pattern!(INSURANCE, r"\bassurances?\b|responsabilite civile|decennale");
pattern!(
    CERTIFICATE,
    r"qualipropre|qualibat|qualifelec|\biso ?[0-9]{4,5}|certificats? de qualification|qualifications? (?:professionnelles?|exigee)|\bcnaps\b|\bmase\b|certiphyto|\bhaccp\b"
);
pattern!(
    PAYMENT,
    r"delai (?:global |maximum |maximal )?de (?:paiement|reglement|mandatement)|(?:paiement|paye|regl|mandat|verse)[a-z]*[^.]{0,80}(?:delai|sous)[^.]{0,24}(?:[0-9]+\)? ?|[a-z-]+ )jours|interets (?:moratoires|de retard|courent)|chorus pro|acomptes? mensuels?|\bregle\b[^.]{0,60}jours|acomptes? sont (?:paye|verse|mandate)|factur(?:e|ation)s? (?:est|sont) (?:mensuel|transmis|depos)|factures? mensuelles?|facturation mensuelle|terme echu|acomptes? ?: ?mensuel|facture[es]* (?:mensuellement|chaque mois)|regle[es]* par (?:douzieme|quart|mensualite)|projets? de decompte|(?:mandat|factures?|sommes?) [^.]{0,20}(?:regle|paye)|demandes? de paiement"
);
pattern!(
    ADVANCE,
    r"\bavances?\b|aucun acompte|acomptes?[^.;]{0,40} (?:a la commande|a la signature|au demarrage|a la notification)"
);
// Prices that move.
pattern!(
    MOVES,
    r"revis|\bindex|indice|\bvari(?:e|ent|ation)|evolu|\bboug|\bchang|\bsui(?:t|vent|vra|vront|vant)\b[^.;]{0,40} (?:l'(?:indice|index|evolution|inflation)|(?:le |les |la |des |du )?(?:cours|cotations?|variations?|indices?|baremes?)\b)|augment|hausse|actualis|ajust|semestriel|\bferme"
);
// A part of the contract that is firm, the rules in force when prices were made.
pattern!(NO_PRICES, r"tranches? ferme|dans sa version|en vigueur au mois");
pattern!(
    INDEXED,
    r"indice|formule|coefficient|%|pour cent|annuel|semestriel|\bferme|mois|revis|actualis|\bp ?0|\bicht|\bterme fixe|plafon|hausse|index"
);
pattern!(
    ON_VARIANTS,
    r"examine|offre de base|solution de base|exigences? minimale|limitee?s? a|dossier general|chiffr|reponse (?:obligatoire|facultative)|deux au plus|porte"
);
pattern!(
    NO_ADVANCE,
    r"\bn'avance|(?:jours?|heures?|mois|semaines?|paye[a-z]*) d'avance|en avance|a l'avance|par avance"
);
pattern!(
    RETENTION,
    r"retenue de garantie|retenue? au titre de la garantie|somme n'est retenue|^garanties? \| .*(?:%|retenue|caution|neant|aucune|sans)|(?:pas|aucune|nulle|ni) (?:de )?retenue\b|n(?:e |')[^.;]{0,20}reten(?:ons|ez|u) rien"
);
// What secures either of them, or says when it ends: of the one spoken of last.
pattern!(
    SECURITY,
    r"garantie a premiere demande|\bcaution|substitu|restitu|exempt|dispens|\bliberee?\b|recuper|rembours|resorb|^elle (?:est|n'est|s'eleve|peut)|^(?:celle-ci|son montant)"
);
pattern!(
    PRICES,
    r"\bp ?= ?\(?p|\bp ?0 ?[x×\[(]|\bicht\b|\b(?:bt|tp) ?[0-9]{2}|prix (?:varient|evoluent)|valeurs de base|mois (?:zero|d'etablissement)|conditions economiques|(?:hausse|augmentation)[^.]{0,60} (?:ecrete|plafonn|limite|depass|exced)|prix[^.]{0,60}\b(?:fermes?|revisables?|revises?|actualisables?|ajustables?|actualises?)|revision (?:annuelle )?(?:des|du|de) prix|formule (?:de (?:revision|variation)|p ?=|cn ?=|du ccap)|mois zero|(?:hausse|augmentation)[^.]{0,40} (?:limitee?|excede|plafonn)|revises? (?:annuellement|une fois|au )|ind(?:ex|ices?) (?:bt|tp|icht)|coefficient de revision|clause (?:butoir|de sauvegarde)"
);

// What a validity of tenders is made of: an offer, what binds or may not be undone, and a delay.
pattern!(
    OFFER,
    r"\b(?:offres?|propositions?|soumissions?|(?:votre|le|son) devis|(?:votre|vos|ses|son|leurs?) prix|prix que vous)\b"
);
pattern!(
    BINDS,
    r"engag|\bli(?:e|ent|ee?s?|era|eront)\b|\btenue?s?\b|valable|valid|maint(?:ien|en[a-z]*)|\btien(?:t|nent|ne|dra)\b|dedire|revenir sur|retiree?|retirer|reprise|irrevocab|revoqu|\bdemeure|\brest(?:e|ent)\b"
);
pattern!(
    NO_VALIDITY,
    r"retenue|attributaire|notifi|negoci|derniere offre|echantillon|anormalement|question|renseignement|visite|publication|execution|livraison|penalite"
);
// Of a payment: somebody pays, and in how many days.
pattern!(
    PAYS,
    r"\b(?:pai(?:e|es|ent|ement|ements|era|eront|erons)|payee?s?|payer|payent|paye|payons|paierons|reglons|reglerons|regl(?:e|ee|ees|es|ent|ement|ements|er|era|erons|eront)|mandat[a-z]*|vir(?:e|ee|es|ent|era|ons|erons|ement|ements)|verse[es]*|s'acquitte[a-z]*|solde[es]*|debloqu[a-z]*)\b"
);
pattern!(
    NO_PAYMENT,
    r"\bavances?\b|retenue|sous-traitant|penalit|caution|reglement (?:de (?:la )?consultation|interieur|particulier)|offres?\b|(?:titulaire|prestataire|entreprise) dispose|jours pour (?:presenter|contester|transmettre|remettre|accepter|signaler|produire)|mise en demeure|memoire en reclamation|differend|resili"
);
pattern!(
    WITHHELD,
    r"\bretenue?s?\b|\bretien[a-z]*|preleve|\bgard(?:e|er|ons|era|erons|ent|es|ee|ees)\b|\bconserve|\bbloque|mise? en reserve|sequestre|entre nos mains"
);
pattern!(STAYS, r"(?:reste(?:nt)?|sont) (?:retenu|garde|conserve|entre nos mains)");
// What is withheld secures the work.
pattern!(SECURES, r"garanti|surete|bonne (?:fin|execution)|caution|jusqu'a (?:la )?(?:fin|reception|levee)");
// Who is covered, and for how much.
pattern!(
    COVERED,
    r"\bassur(?:e|ee|ees|es|ent|eur|eurs)\b|\bcouv(?:rir|re|rent|rant|erte?s?|ertures?)\b|garanti(?:e|es|r|t|ssant)?\b|\bpolices?\b|\bsinistres?\b|\bsouscri"
);
// A service that is seen to, or somebody who makes sure of something: no insurance.
pattern!(
    SEEN_TO,
    r"\bs'assur[a-z]*|\bassur(?:e|ee|ees|es|ent|er|era|eront|ait|ant)\b(?: (?:par (?:le |la |les |l'|une? |des |son |sa |ses )?(?:[a-z]+)?|le |la |les |l'|une? |son |sa |ses |leurs? |des |du |cette |ce |ces |chaque |toute?s? |egalement |ainsi |en (?:continu|regie|interne|permanence)))"
);
// Who insures, when something is said to be "assuré par" him.
pattern!(INSURER, r"assureur|compagnie|assurances?\b|\bpolices?\b|mutuelle|tous risques");
// What an insurance is against.
pattern!(
    HARM,
    r"dommages?\b|degats?\b|\bsinistres?\b|\brisques?\b|responsabilite|corporels?|materiels?\b|decennal|consequences pecuniaires|intoxication|\bvols?\b"
);
pattern!(ACTOR, r"titulaire|prestataire|entreprise|fournisseur|candidat|exploitant|\bvous\b|soumissionnaire");
pattern!(INSURANCE_HEADING, r"assurance|couvert|risques|responsabilit");
// Of prices that move: what moves, how, and by what or how often.
pattern!(PRICED_AT, r"\b(?:prix|tarifs?|forfaits?|bordereau|remunerations?|taux horaires?)\b");
pattern!(
    BY,
    r"indice|\bindex\b|formule|\bicht|\b(?:bt|tp|ev) ?[0-9]|\bsmic\b|cotation|\bcours (?:du|de)|mensuel|\bannee|annuel|anniversaire|chaque|par an\b|l'an\b|trimestr|semestr|%|pour cent|plafon|\ble [0-9]"
);
// A rank of a term in prose: what is asked of whoever tenders, by its parts.
pattern!(NO_RETENTION, r"penalit|\bheures?\b|attributaire|\boffres?\b|candidat|\bjours? de retard");
pattern!(AN_ADVANCE, r"\b(?:d'|l'|une |aucune |cette |les? |la |sans |ni )avances?\b|^avances?\b|\bavancons|\bavancer");
pattern!(ADVANCES, r"\bavanc(?:e|es|er|era|ons|erons|eront|ees?)\b");
pattern!(OF_BILL, r"factur|mandat|reception|\bdelai|chorus|service fait|demande");
pattern!(NO_PAYER, r"penalit|critere|chiffre d'affaires|retenue|\bavance\b|sous-trait");
pattern!(NO_RISK, r"plan de prevention|\bdechets|social|insertion");
pattern!(YEARS, r"exercices?\b|\bannuel|par an\b|l'an\b|dernieres? annees?|chaque annee");
pattern!(DONE, r"realis|\bfait\b|affaires|\batteint|atteindre|justifi|encaiss|vendu|factur|chiffre|activite|recettes");
pattern!(NO_TURNOVER, r"penalit|sinistre|assur|avance|plafon|maximum|commande|retenue|estim|publics?\b|insertion");
pattern!(
    COUNTED_WORKS,
    r"\b(?:une?|deux|trois|quatre|cinq|six|[1-9]) (?:[a-z]+ )?(?:[a-z]+ )?(?:\([0-9]\) )?(?:marches|contrats?|prestations?|chantiers?|clients?|operations?|realisations?|missions?|etablissements?|collectivites|communes|sites|services|projets|attestations? de)\b"
);
pattern!(
    PAST_WORKS,
    r"\b(?:marches|contrats|prestations?|chantiers|clients|operations|realisations|missions|travaux|services|fournitures)\b"
);
pattern!(SHOWN, r"presente|\bliste|decri|coordonnees|\bnoms?\b|cite|enumer|justifi|attest|prouv|produi|fourni|montant");
pattern!(
    SINCE,
    r"(?:trois|deux|quatre|cinq|six|[2-9]) (?:dernieres? )?(?:annees|exercices|ans)|dernieres annees|depuis (?:20[0-9]{2}|moins de)|comparables?|similaires?|analogues?|equivalente?s?|de meme (?:nature|importance|type|ampleur)|recente?s?|que vous (?:servez|avez)|semblables?"
);
pattern!(
    NO_REFERENCE,
    r"chiffre d'affaires|\bcritere|\bnot[ee]|\bpoints\b|[0-9] ?%|titulaire|reconduc|\bduree\b|exclu|condamn|retenu|sous-trait|prix|factur|assurance"
);
// What shows that somebody is able, and what asks for it.
pattern!(
    CERTIFIES,
    r"\bcertificats?\b|\bcertifi(?:e|ee|es|ees|cations?)\b|\bqualifications?\b|\bqualifiee?s? (?:rge|qualibat|quali)|\bhabilit(?:ations?|ee?s?)\b|\bagre(?:ment|ee?s?)\b|\blicences?\b|\blabels?\b|labellis|\bnormes? (?:nf|iso|en)\b|\bnf en\b|\biso ?[0-9]|\bcaces\b|\bbrevets?\b|\bdiplomes?\b|\bpermis\b|accredit|autorisation d'exercer|carte professionnelle|recepisse|certiphyto|quali(?:bat|felec|propre|paysage|sol)|\brge\b|\bcnaps\b|\bmase\b|\bss ?[34]\b|sous-section|\bssiap\b|secouris|\bsst\b|titre professionnel|attestations? de (?:competence|formation|capacite)|formes? (?:a|au|aux) (?:travail|risque|secourisme|conduite)"
);
pattern!(
    MUST,
    r"exig|demand|requi|\bfaut\b|ne peu(?:t|vent) [^.;]{0,50} que\b|deti(?:en|enn)|detenir|possed|titulaires? d[eu']|\bdevr(?:a|ont|ez)\b|\bdoi(?:t|vent)|dispose|justifi|\bjoi(?:nt|nd)|fourni|produi|obligatoire|necessaire|conditionne|\bseul|attend|prouv|\bintervien|est (?:certifie|agree|habilite)|sont (?:certifie|agree|habilite|forme|titulaire)|ou equivalent|equivalence"
);
pattern!(
    NO_CERTIFICATE,
    r"visite|passage|signature|assurance|kbis|en prefecture|bonne execution|de capacite\b|urssaf|fisca|certificats? (?:de paiement|administratif|d'immatric|de signature|medical)|electroni|mandataire|habilite[es]* a (?:engager|signer|representer)|personnes? habilitee?s?|agreee?s? par (?:le|la|l')|sous-trait|critere|\bpoints\b|insertion|publics?\b|peu qualifi|sans qualif|qualification (?:professionnelle )?des offres|prescripteur|qualifi[a-z]* (?:des|de l'|d'irreg)|non qualifie|diplome,|ni diplome|sans diplome|titulaires? du (?:lot|marche)|peu (?:ou pas )?(?:diplome|qualifi)|formations? qualifiantes?"
);
pattern!(SAYS_OTHERWISE, r"\b(?:est|sont|a|ont|sera|seront)\b");
// Nobody has to have it; or it is of things, and of nobody's ability.
pattern!(
    NOT_ASKED,
    r"\b(?:n'a|n'ont|n'est|ne sont|n'y a) (?:pas|aucun)|\bn'entre|^(?:[0-9.]+ )?(?:les |des |l'|le |la |tous les )?(?:produits?|engins?|materiels?|emballages?|papiers?|bois|plants?|machines?|equipements?|denrees|aliments|sacs|installations?|batiments?|vehicules)\b[^.;]{0,80}(?:certifi|label|conforme|norme)"
);
// Whoever asks, what asking is, and its answer.
pattern!(
    ASKS,
    r"\bquestions?\b|vous (?:voulez|souhaitez|voudriez) savoir|\bdemandez-(?:le|nous)|renseignements?\b|eclaircissements?|precisions?\b|explications?\b|interrog|\bquestionn|demandes? (?:des candidats|ecrites?|d'information|de precision|complementaires?)|(?:un|des) points? (?:vous )?(?:para|rest|obscur)|echanges?\b|des demandes\b|demandes? a formuler|ce qui (?:nous )?(?:aura|a) ete demande"
);
pattern!(
    SENT,
    r"\bpose|plus repondu|sans reponse|recue?s?\b|recoi|parvien|parvenir|formul|adress|transmi|transmet|depos|envo|arriv|closes?\b|cloture|jusqu|\bavant\b|au plus tard|dernier jour|recevab|precedant|francs\b|pris[es]* en compte|presente[es]*\b|interrog|saisi|soumi"
);
pattern!(
    NO_QUESTION,
    r"visite|certificat|attestation|modification|complement de (?:candidature|dossier)|pieces? (?:absente|manquante)|facture|penalit|heures? d'insertion|echantillon"
);
pattern!(
    TAKEN,
    r"recue?s?\b|posee?s?\b|parvenu|plus repondu|sans reponse|formulee?s?\b|demande jusqu|aura ete demande"
);
pattern!(
    ANSWERED,
    r"\brepon(?:d|dent|dra|dre|drons|se|ses|du)\b|repondu|(?:communique|envoye|transmis|transmise|adresse)e?s? (?:a (?:tous|toutes|chaque) |aux )(?:les )?(?:candidats?|concurrents?|soumissionnaires|operateurs|entreprises)"
);
pattern!(EXAMINED, r"examin|admis|autoris|accept|permis|interdit|recevab|propos|irregul|rejet|ecart|pris[es]* en");
pattern!(NO_MOVE, r"offres?\b|\bavances?\b|critere|penalit|not(?:e|es|ation)\b|retenue|quantites?");
// When a contract begins, lasts and ends.
pattern!(
    A_DATE,
    r"\b(?:[0-9]{1,2}|1er) (?:janvier|fevrier|mars|avril|mai|juin|juillet|aout|septembre|octobre|novembre|decembre)\b|\b[0-9]{1,2}/[0-9]{1,2}/20[0-9]{2}\b|\b(?:en|de|debut|fin) (?:janvier|fevrier|mars|avril|mai|juin|juillet|aout|septembre|octobre|novembre|decembre) 20[0-9]{2}"
);
pattern!(
    STARTS,
    r"commenc|\bdebut|demarr|prend(?:ra)? (?:effet|cours)|prennent effet|\bcourt\b|conclus? [^.]{0,30}a compter|entre en vigueur|ordre de service"
);
pattern!(
    ENDS,
    r"\bterme\b|s'eteint|\bcess(?:e|era|ent|eront)\b|pren(?:d|dra|nent|dront) fin|^fin\b|s'acheve|expire|se termine|s'eteindra|echeance"
);
pattern!(IN_TIME, r"\bans?\b|\bannees?\b|\bmois\b");
pattern!(
    LASTS,
    r"\bdure(?:e|nt|ra|ront)?\b|delais? (?:global |total )?d'execution|\bconclue?s? pour\b|\breconduc|\brenouvel|\bprolongeable"
);
pattern!(
    NO_PERIOD,
    r"offres?\b|\bplis?\b|question|visite|candidat|validite|garantie|\brevis|paie|avance|penalit|insertion|\bheures?\b|engagement|assurance|\bformation|jours? ouvres|negoci|marche en cours"
);
pattern!(
    REFUSES,
    r"(?:\bne|n')[^.;]{0,30}(?:\bpas\b|aucune?|\bpoint\b|\brien\b|\bni\b)|\brien n'|n'y en a|ne le sont|sans objet|\bdispens|exoner|exempt|^non\b|\bnon (?:prevu|exige|applique|applicable|demande)|interdit|exclu|: pas d|\bsans (?:avance|retenue|garantie)|\baucune?\b|^pas d|\| pas d|\bnulle?\b|non autoris|neant|refuse|rejet|ecarte|irregul|proscri|prohib|irrecevab|impossible|^rien\b|^ni (?:au|aux|pour|sur|le|la|les)\b"
);
pattern!(
    ALLOWS,
    r"autoris|admis|permis|ouverte?s?\b|recevables?\b|possible|accept|pris[es]* en consideration|prevu|libre|peu[vt]|pouvez|pourr(?:ez|a|ont)\b|verse|accorde|applique|preleve|opere|soit\b|fixe"
);

/// How the number of a term is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reads {
    Nothing,
    Euros,
    /// Days, else months.
    Delay,
    /// A share, else yes or no.
    Share,
    YesNo,
    /// It is not there.
    Absent,
    /// A visit that one must make, or that there is none.
    Visit,
}

/// What is looked for.
struct Sought {
    term: Term,
    words: &'static Regex,
    /// Headings that make it surer.
    under: &'static [&'static str],
    pieces: &'static [Kind],
    reads: Reads,
    /// The number is what is asked: a sentence without it tells nothing.
    needs_amount: bool,
}

const ADMINISTRATIVE: &[Kind] = &[Kind::Ccap, Kind::Ccp, Kind::SocialAnnex, Kind::Ae];
const PRICED: &[Kind] = &[Kind::Ccap, Kind::Ccp, Kind::Ae, Kind::Bpu, Kind::Dpgf];
const RULES: &[Kind] = &[Kind::Rc, Kind::Ccp, Kind::Notice];

fn sought() -> [Sought; 14] {
    let row = |term, words, under, pieces, reads| Sought { term, words, under, pieces, reads, needs_amount: false };
    [
        row(Term::NoClause, &NO_CLAUSE, &["execution"], RULES, Reads::Absent),
        row(Term::Visit, &VISIT, &["visite"], RULES, Reads::Visit),
        Sought {
            needs_amount: true,
            ..row(
                Term::Validity,
                &VALIDITY,
                &[
                    "validite",
                    "duree d'engagement",
                    "delai d'engagement",
                    "engagement du",
                    "engagement des",
                    "tenue de",
                    "maintien",
                ],
                RULES,
                Reads::Delay,
            )
        },
        Sought {
            needs_amount: true,
            ..row(Term::QuestionDelay, &QUESTION, &["renseignement", "question"], RULES, Reads::Delay)
        },
        row(
            Term::Variants,
            &VARIANT,
            &["variante", "alternative", "autre chose", "solutions autres"],
            RULES,
            Reads::YesNo,
        ),
        row(Term::MinimumTurnover, &TURNOVER, &["capacite"], RULES, Reads::Euros),
        row(Term::References, &REFERENCES, &["capacite"], RULES, Reads::Nothing),
        row(Term::Insurance, &INSURANCE, &["assurance", "couvert"], ADMINISTRATIVE, Reads::Nothing),
        row(Term::Certificate, &CERTIFICATE, &["capacite"], RULES, Reads::Nothing),
        Sought {
            needs_amount: false,
            ..row(
                Term::PaymentDelay,
                &PAYMENT,
                &["paiement", "reglement", "factur", "acompte", "mandatement"],
                ADMINISTRATIVE,
                Reads::Delay,
            )
        },
        row(Term::Advance, &ADVANCE, &["avance"], ADMINISTRATIVE, Reads::Share),
        row(Term::Retention, &RETENTION, &["retenue", "garantie"], ADMINISTRATIVE, Reads::Share),
        row(Term::PriceRevision, &PRICES, &["prix"], PRICED, Reads::Nothing),
        row(Term::Period, &ENDS, &["duree"], RULES, Reads::Nothing),
    ]
}

/// Where terms are looked for at all; a bill of prices says how these are revised, and which of them are options.
fn is_read(kind: Kind, term: Term) -> bool {
    match kind {
        Kind::Bpu | Kind::Dpgf => matches!(term, Term::PriceRevision | Term::Variants),
        Kind::Form | Kind::Plan => false,
        _ => true,
    }
}

/// Whether folded words leave a visit to who wants it.
pub(crate) fn is_free_visit(text: &str) -> bool {
    MAY_VISIT.is_match(text)
}

/// Whether folded words say that there is no clause.
pub(super) fn is_denied_clause(text: &str) -> bool {
    NO_CLAUSE.is_match(text)
}

/// The terms of a piece, the surest sentences of each.
///
/// `listed`: the documents of the checklist; a sentence that lists several of them says of each what it is, there.
pub(super) fn read(piece: &Written, sentences: &[Sentence], listed: &[&str]) -> Vec<Finding> {
    const KEPT: usize = 8;
    // Rows of a table of indices, lot by lot.
    const ROWS: usize = 24;
    let headings: Vec<String> = (0..piece.articles.len()).map(|a| piece.headings(Some(a))).collect();
    let mut out = turnover_rows(piece);
    let secured = secured(piece, sentences);
    let sought: Vec<Sought> = sought().into_iter().filter(|s| is_read(piece.kind, s.term)).collect();
    let mut found: Vec<Vec<Finding>> = sought.iter().map(|_| Vec::new()).collect();
    // What was spoken of last, in which article, and by which sentence.
    let mut spoken: Option<(Option<usize>, usize, usize)> = None;
    for (i, (sentence, of)) in sentences.iter().zip(&secured).enumerate() {
        let above = sentence.article.map_or("", |a| headings[a].as_str());
        let own = match sentence.label.as_str() {
            "" => piece.title(sentence.article),
            label => label,
        };
        let mut tells = None;
        let lists = holds_several(piece, sentence, listed);
        for (k, sought) in sought.iter().enumerate() {
            if lists && matches!(sought.term, Term::Insurance | Term::Certificate | Term::References) {
                continue;
            }
            let own = match of {
                Some(of) if *of == sought.term => of_money(sought, piece, sentence),
                Some(_) if matches!(sought.term, Term::Advance | Term::Retention) => Vec::new(),
                _ => parts(sought, piece, sentence, |part| told(sought, piece, part, (above, own))),
            };
            tells = if own.is_empty() { tells } else { Some(k) };
            found[k].extend(own);
        }
        let before = spoken.filter(|(article, _, at)| *article == sentence.article && i - at <= 2);
        if let (None, Some((_, k, _))) = (tells, before) {
            found[k].extend(goes_on(&sought[k], piece, sentence));
        }
        // A turnover that is asked about, with its least in the next sentence.
        let turnover = || sought.iter().position(|s| s.term == Term::MinimumTurnover);
        let named = tells.or_else(|| turnover().filter(|_| TURNOVER.is_match(&sentence.folded)));
        spoken = named.map(|k| (sentence.article, k, i)).or(before);
    }
    for (found, sought) in found.into_iter().zip(&sought) {
        let mut found = found;
        found.sort_by_key(|f| std::cmp::Reverse(f.weight));
        found.truncate(if sought.term == Term::PriceRevision { ROWS } else { KEPT });
        out.extend(found);
    }
    out
}

/// Whether what an amount is read from says how an advance or a retention is secured or given back, and not how much it is.
fn is_of_security(term: Term, text: &str, amount: Amount) -> bool {
    pattern!(SECURED, r"caution|premiere demande|substitu|remplac");
    pattern!(GIVEN_BACK, r"rembours|resorb|recuper|restitu");
    match (term, amount) {
        (Term::Advance | Term::Retention, Amount::Allowed(_)) => SECURED.is_match(text),
        (Term::Advance, _) => GIVEN_BACK.is_match(text) && !text.contains("egale"),
        _ => false,
    }
}

/// Whether a sentence lists several documents of the checklist.
fn holds_several(piece: &Written, sentence: &Sentence, listed: &[&str]) -> bool {
    let text = &piece.text[sentence.range.clone()];
    let parted = !sentence.is_heading && !text.contains(" | ") && text.contains([',', ';']);
    parted && listed.iter().filter(|q| q.len() < text.len() && text.contains(**q)).take(2).count() == 2
}

/// Whether folded words name what shows that somebody is able: a certificate, a licence.
pub(super) fn certifies(text: &str) -> bool {
    CERTIFIES.is_match(text) && !NO_CERTIFICATE.is_match(text)
}

/// Whether folded words name a certificate that everybody knows by its name.
pub(super) fn is_certificate(text: &str) -> bool {
    CERTIFICATE.is_match(text)
}

/// Whether folded words name works done before.
pub(super) fn refers(text: &str) -> bool {
    (COUNTED_WORKS.is_match(text) || PAST_WORKS.is_match(text)) && SINCE.is_match(text) && !NO_REFERENCE.is_match(text)
}

/// What a sentence that names nothing says of the term spoken of before it: "Elles ne le sont pas pour les lots 2 et 3."
fn goes_on(sought: &Sought, piece: &Written, sentence: &Sentence) -> Vec<Finding> {
    // A heading stays one.
    if sentence.is_heading {
        return Vec::new();
    }
    sentence.cut(piece, ';').iter().filter_map(|part| one_goes_on(sought, piece, part)).collect()
}

fn one_goes_on(sought: &Sought, piece: &Written, sentence: &Sentence) -> Option<Finding> {
    // "Ensuite, ils suivront une fois l'an l'indice du coût du travail."
    if sought.term == Term::PriceRevision
        && sentence.goes_on()
        && MOVES.is_match(&sentence.folded)
        && BY.is_match(&sentence.folded)
        && !NO_MOVE.is_match(&sentence.folded)
    {
        let mentions = figures::mentions(&piece.text[sentence.range.clone()]);
        let lots = if let [one] = mentions.as_slice() { one.lots.clone() } else { Vec::new() };
        let what = What::Term { term: sought.term, amount: None, lots };
        return Some(Finding::new(what, piece, sentence.range.clone(), 12));
    }
    let figured = matches!(
        sought.term,
        Term::Variants | Term::Visit | Term::MinimumTurnover | Term::Advance | Term::Retention | Term::Validity
    );
    if !figured || sentence.folded.contains(" | ") || !sentence.goes_on() {
        return None;
    }
    pattern!(NO_LEAST, r"\baucune?\b|\bsans (?:minimum|seuil|plancher)|exempt|dispens|n'(?:est|en) ");
    let none = || {
        let none = sought.term == Term::MinimumTurnover && NO_LEAST.is_match(&sentence.folded);
        none.then_some(Amount::Allowed(false))
    };
    let read = amount(sought.reads, &sentence.folded);
    let amount = read.filter(|a| !is_of_security(sought.term, &sentence.folded, *a)).or_else(none)?;
    // A date may be refused, a list be free: only what names lots, or gives a figure, is said of the term.
    let mentions = figures::mentions(&piece.text[sentence.range.clone()]);
    if matches!(amount, Amount::Allowed(_)) && mentions.is_empty() {
        return None;
    }
    let lots = if let [one] = mentions.as_slice() { one.lots.clone() } else { Vec::new() };
    let what = What::Term { term: sought.term, amount: Some(amount), lots };
    Some(Finding::new(what, piece, sentence.range.clone(), 12))
}

/// Of each sentence that speaks of an advance or a retention without naming it: which of them it is, by the one named before it in
/// its article.
fn secured(piece: &Written, sentences: &[Sentence]) -> Vec<Option<Term>> {
    let mut last: Option<(Option<usize>, Term, usize)> = None;
    let mut out = Vec::with_capacity(sentences.len());
    for (i, sentence) in sentences.iter().enumerate() {
        let text = sentence.folded.as_str();
        let own = match sentence.label.as_str() {
            "" => piece.title(sentence.article),
            label => label,
        };
        let withheld = RETENTION.is_match(text) || is_made_up(Term::Retention, text, "", own);
        let named = match (withheld, ADVANCE.is_match(text) && !NO_ADVANCE.is_match(text)) {
            (true, _) => Some(Term::Retention),
            (false, true) => Some(Term::Advance),
            (false, false) => None,
        };
        last = last.filter(|(article, _, at)| *article == sentence.article && i - at <= 3);
        out.push(match (named, last) {
            (None, Some((_, term, _))) if SECURITY.is_match(text) && !sentence.is_heading && is_of_it(text) => {
                Some(term)
            }
            _ => None,
        });
        if let Some(term) = named.or(out[i]) {
            last = Some((sentence.article, term, i));
        }
    }
    out
}

/// Whether what is given back is the advance or the retention, and no key that was lost.
fn is_of_it(text: &str) -> bool {
    pattern!(GIVEN, r"rembours|restitu|liberee?\b|recuper|resorb");
    pattern!(
        IT,
        r"\b(?:elle|celle-ci|celles-ci|retenue|avance|caution|cautions|garantie|garanties|sommes?|montant|taux)\b"
    );
    !GIVEN.is_match(text) || IT.is_match(text)
}

/// What goes on about an advance or a retention.
fn of_money(sought: &Sought, piece: &Written, sentence: &Sentence) -> Vec<Finding> {
    let given_back = ["rembours", "resorb", "recuper", "restitu"].iter().any(|w| sentence.folded.contains(w));
    let share = first(&sentence.folded, Unit::Percent).filter(|_| !given_back).map(Amount::Percent);
    let found = |amount: Option<Amount>, lots: Vec<String>| {
        let what = What::Term { term: sought.term, amount, lots };
        Finding::new(what, piece, sentence.range.clone(), 12)
    };
    let by_lot = by_lot(&piece.text[sentence.range.clone()], share);
    match by_lot.is_empty() {
        true => vec![found(share, Vec::new())],
        false => by_lot.into_iter().map(|(amount, lots)| found(Some(amount), lots)).collect(),
    }
}

/// What a sentence says, or what the parts of it say one by one, where semicolons part different things.
fn parts(
    sought: &Sought,
    piece: &Written,
    sentence: &Sentence,
    told: impl Fn(&Sentence) -> Vec<Finding>,
) -> Vec<Finding> {
    let whole = told(sentence);
    let text = &piece.text[sentence.range.clone()];
    // "Admises pour le lot 1, interdites ailleurs": a yes and a no.
    let both = ALLOWS.is_match(&sentence.folded) && REFUSES.is_match(&sentence.folded);
    // "Cinq pour cent sur les lots de travaux, rien aux autres lots".
    let both = both || text.contains(", rien ") && first(&sentence.folded, Unit::Percent).is_some();
    let mark = match () {
        () if text.contains(';') => ';',
        () if both && text.contains(',') => ',',
        () => return whole,
    };
    if whole.is_empty() || sentence.is_heading || text.contains(" | ") {
        return whole;
    }
    let amount = |f: &Finding| match f.what {
        What::Term { amount, .. } => amount,
        _ => None,
    };
    let mut out: Vec<Finding> = Vec::new();
    for part in sentence.cut(piece, mark) {
        let own = told(&part);
        match own.is_empty() && !out.is_empty() {
            true => out.extend(goes_on(sought, piece, &part)),
            false => out.extend(own),
        }
    }
    let differ = out.iter().any(|f| amount(f).is_some() && amount(f) != amount(&out[0]));
    // The figure of the whole is that of a part about something else.
    let other = !out.is_empty() && whole.iter().all(|w| out.iter().all(|f| amount(f) != amount(w)));
    // "… pour le lot 2 ; pour le lot 1, c'est seulement recommandé": what is free has no amount.
    let free = sought.term == Term::Visit && out.len() > 1;
    if (differ || other) && (free || out.iter().all(|f| amount(f).is_some())) { out } else { whole }
}

/// Whether a sentence holds together what a term is made of, in whatever order; `own`: its label, or the heading of its article, which
/// may hold one of the parts; `above`: the headings over it.
fn is_made_up(term: Term, text: &str, above: &str, own: &str) -> bool {
    let has = |unit: &[Unit]| figures::all(text).iter().any(|f| unit.contains(&f.unit));
    let title = above.split(" / ").next().unwrap_or_default();
    let around = |part: &Regex| part.is_match(text) || [own, title].iter().any(|h| h.len() < 80 && part.is_match(h));
    match term {
        Term::Validity => {
            (OFFER.is_match(text) && BINDS.is_match(text) || STAYS_BOUND.is_match(text)) && !NO_VALIDITY.is_match(text)
        }
        Term::PaymentDelay => PAYS.is_match(text) && !NO_PAYMENT.is_match(text) && has(&[Unit::Days]),
        Term::Retention => {
            WITHHELD.is_match(text)
                && (around(&SECURES) || STAYS.is_match(text))
                && (has(&[Unit::Percent]) || REFUSES.is_match(text))
                && !NO_RETENTION.is_match(text)
        }
        Term::Advance => {
            let refused = || REFUSES.is_match(text) && AN_ADVANCE.is_match(text);
            ADVANCES.is_match(text) && !NO_ADVANCE.is_match(text) && (has(&[Unit::Percent]) || refused())
        }
        Term::Insurance => {
            let against = HARM.is_match(text) || has(&[Unit::Euros]) || SHOWN.is_match(text);
            let insured = text.contains("couv") || text.contains("assur");
            let actor = || insured && ACTOR.is_match(text) && HARM.is_match(text);
            let covered = COVERED.is_match(text)
                && (actor() || text.contains("assur") || own.contains("assur") || has(&[Unit::Euros]));
            let title = above.split(" / ").next().unwrap_or_default();
            let headed =
                [own, title].iter().any(|h| h.len() < 80 && INSURANCE_HEADING.is_match(h) && !NO_RISK.is_match(h));
            !NO_PAYER.is_match(text)
                && against
                && (covered || headed && (COVERED.is_match(text) || has(&[Unit::Euros])))
        }
        Term::MinimumTurnover => {
            let of_years = YEARS.is_match(text) && DONE.is_match(text);
            of_years && has(&[Unit::Euros]) && ASKED.is_match(text) && !NO_TURNOVER.is_match(text)
        }
        Term::References => {
            if super::required::works(text) && !NO_REFERENCE.is_match(text) {
                return true;
            }
            let done = COUNTED_WORKS.is_match(text) || PAST_WORKS.is_match(text) && SHOWN.is_match(text);
            done && SINCE.is_match(text) && !NO_REFERENCE.is_match(text)
        }
        Term::Certificate => {
            // Under such a heading an item names it alone; a sentence says of it that it is asked.
            let asked = MUST.is_match(text) || around(&MUST) && !SAYS_OTHERWISE.is_match(text);
            CERTIFIES.is_match(text) && asked && !NO_CERTIFICATE.is_match(text) && !NOT_ASKED.is_match(text)
        }
        Term::QuestionDelay => is_question(text, own) || is_question(text, title),
        Term::Variants => own.len() < 60 && own.contains("variante") && EXAMINED.is_match(text),
        Term::PriceRevision => {
            PRICED_AT.is_match(text) && MOVES.is_match(text) && BY.is_match(text) && !NO_MOVE.is_match(text)
        }
        Term::Visit => {
            let of_place = GOES_THERE.is_match(text) && (PLACE.is_match(text) || VISIT_HEADING.is_match(own));
            let headed = VISIT_HEADING.is_match(own) || VISIT_HEADING.is_match(title);
            (headed || of_place) && (MUST_VISIT.is_match(text) || MAY_VISIT.is_match(text)) || NO_VISIT.is_match(text)
        }
        Term::Period => {
            let lasts = LASTS.is_match(text);
            let dated = A_DATE.is_match(text) && (STARTS.is_match(text) || ENDS.is_match(text) || lasts);
            (dated || lasts && IN_TIME.is_match(text)) && !NO_PERIOD.is_match(text)
        }
        _ => false,
    }
}

/// Whether folded words say something of questions that are taken; `own`: their label, or the heading of their article.
pub(super) fn is_question(text: &str, own: &str) -> bool {
    let asks = ASKS.is_match(text) || own.len() < 80 && ASKS.is_match(own);
    asks && SENT.is_match(text) && !is_answer(text) && !NO_QUESTION.is_match(text)
}

// A bidder who may not go back upon what was offered.
pattern!(
    STAYS_BOUND,
    r"(?:chacun|candidats?|concurrents?|soumissionnaires?|vous|nul|entreprises?)\b[^.;]{0,40} (?:(?:rest|demeur)[a-z]* (?:engage|lie|tenu)|(?:ne |n')?[a-z' ]{0,12}se dedire)"
);
pattern!(HOW_LONG, r"combien de temps|jusqu'a quand|quelle duree");

/// Whether a heading asks for a term: "Combien de temps mon offre m'engage-t-elle ?"
fn is_heading_of(term: Term, heading: &str) -> bool {
    (heading.ends_with('?') || term == Term::Validity)
        && heading.len() < 90
        && match term {
            // "Combien de temps êtes-vous tenus ?"
            Term::Validity => BINDS.is_match(heading) && (OFFER.is_match(heading) || HOW_LONG.is_match(heading)),
            Term::PaymentDelay => PAYS.is_match(heading),
            Term::Visit => VISIT_HEADING.is_match(heading),
            _ => false,
        }
}

/// Whether words say when questions are answered, and not until when they are taken.
fn is_answer(text: &str) -> bool {
    let answered = ANSWERED.find(text).map(|m| m.start());
    let sent = SENT.find(text).map_or(usize::MAX, |m| m.start());
    answered.is_some_and(|at| at <= sent) && !TAKEN.is_match(text)
}

/// Whether the first cell of a row names the term, and the second says something of it: "Assurance | RC et décennale".
fn labels(sought: &Sought, row: &str) -> bool {
    pattern!(
        COLUMN,
        r"^(?:montants?|taux|valeurs?|delais?|modalites|observations?|reponses?|criteres?|points?|poids|notes?|lots?|exigences?|oui|non|documents?)$"
    );
    let Some((cell, rest)) = row.split_once(" | ") else { return false };
    let term = matches!(
        sought.term,
        Term::Insurance | Term::Certificate | Term::PriceRevision | Term::Variants | Term::Retention | Term::Advance
    );
    term && cell.len() < 45
        && !rest.contains(" | ")
        && rest.chars().filter(|c| c.is_alphabetic()).count() >= 4
        && !COLUMN.is_match(rest.trim())
        && (sought.words.is_match(cell) || sought.under.iter().any(|w| cell.starts_with(w)))
}

/// `above`: the headings over a sentence; `own`: its label, or the heading of its article.
fn told(sought: &Sought, piece: &Written, sentence: &Sentence, (above, own): (&str, &str)) -> Vec<Finding> {
    let seen_to = match sought.term {
        Term::Insurance if !INSURER.is_match(&sentence.folded) => SEEN_TO.replace_all(&sentence.folded, " "),
        _ => sentence.folded.as_str().into(),
    };
    let text = seen_to.as_ref();
    let title = above.split(" / ").next().unwrap_or_default();
    let named =
        [own, title].iter().any(|h| sought.under.iter().any(|w| h.contains(w)) || is_heading_of(sought.term, h));
    let made_up = is_made_up(sought.term, text, above, own);
    let named_in_text = sought.words.is_match(text) && sought.term != Term::Period;
    let says = named_in_text && !(sought.term == Term::QuestionDelay && is_answer(text)) || made_up;
    // Under an article of that very name a sentence may leave the name out.
    let alone = !sentence.is_heading
        && match sought.term {
            Term::Insurance => {
                let about = [&*COVERED, &*HARM, &*SHOWN].iter().any(|w| w.is_match(text));
                // "Les véhicules le sont pour le transport."
                let again = text.contains(" le sont ") || text.contains(" l'est ");
                let fined = NO_PAYER.is_match(text) || text.contains("sanction");
                named && !fined && own.len() < 60 && (about || again || first(text, Unit::Euros).is_some())
            }
            Term::PriceRevision => {
                let of_prices = ["revis", "variation", "actualis", "evolution", "index", "ajust"]
                    .iter()
                    .any(|w| above.contains(w) || own.contains(w));
                of_prices && INDEXED.is_match(text)
                    || ["prix", "tarif"].iter().any(|w| own.contains(w)) && MOVES.is_match(text)
            }
            Term::Visit => VISIT_HEADING.is_match(own) && own.len() < 60 && IS_VISIT.is_match(text),
            Term::Variants => named && own.len() < 60 && ON_VARIANTS.is_match(text),
            _ => false,
        };
    // A delay or a share there is that of something else where its words say so.
    let other = match sought.term {
        Term::Validity => NO_VALIDITY.is_match(text),
        Term::PaymentDelay => NO_PAYMENT.is_match(text),
        Term::Retention => NO_RETENTION.is_match(text),
        Term::QuestionDelay => is_answer(text) || NO_QUESTION.is_match(text),
        _ => false,
    };
    let stray = match sought.term {
        // What is done within so many days is no payment.
        Term::PaymentDelay => text.len() > 40 && !PAYS.is_match(text) && !OF_BILL.is_match(text),
        // Nor is how long works are guaranteed a retention.
        Term::Retention => {
            !(WITHHELD.is_match(text) || REFUSES.is_match(text) || own.contains("retenue") || title.contains("retenue"))
                && first(text, Unit::Percent).is_none()
        }
        _ => false,
    };
    let bare = alone || named && !other && !stray && matches!(sought.reads, Reads::Share | Reads::Delay | Reads::YesNo);
    if !says && !bare {
        return Vec::new();
    }
    let is_row = text.contains(" | ");
    let passed_over = match sought.term {
        // The head of a table, and what only opens a list.
        _ if is_row
            && !(text.matches(" | ").count() == 1 && named_in_text && amount(sought.reads, text).is_some())
            && !text.bytes().any(|b| b.is_ascii_digit())
            && text.len() < 90
            && !labels(sought, text)
            && !(sought.term == Term::Visit && VISIT_OF_LOT.is_match(text))
            && !(sought.term == Term::Validity && delay(text).is_some()) =>
        {
            true
        }
        // A line of a form that leaves the matter open.
        Term::Variants => text.trim_end().ends_with('|'),
        Term::References => !(RULES.contains(&piece.kind) || piece.kind == Kind::Other) || text.ends_with(':'),
        Term::Insurance => {
            let covered = COVERED.is_match(&text.replace("garantie", " ")) || INSURANCE_HEADING.is_match(own);
            NO_INSURANCE.is_match(text) && !(covered && text.contains("decennale") && SHOWN.is_match(text))
        }
        Term::Visit => {
            !alone && OTHER_VISIT.is_match(text)
                || !RULES.contains(&piece.kind)
                || text.contains("echantillon") && !text.contains("visite")
        }
        Term::NoClause => !(RULES.contains(&piece.kind) || piece.kind == Kind::Ccap),
        Term::MinimumTurnover => !made_up && !ASKED.is_match(text) && !ASKED.is_match(above),
        Term::PriceRevision => {
            NO_PRICES.is_match(text) || made_up && !PRICED.contains(&piece.kind) && !sought.words.is_match(text)
        }
        // A percentage under « Avance et retenue de garantie » is of what its sentence names.
        Term::Advance => {
            NO_ADVANCE.is_match(text) && !text.contains("une avance") && !text.contains("renon")
                || !says && RETENTION.is_match(text)
        }
        Term::Retention => !says && ADVANCE.is_match(text),
        Term::PaymentDelay => text.contains("avance") && !text.contains("paiement"),
        Term::Validity | Term::Period => !(RULES.contains(&piece.kind) || matches!(piece.kind, Kind::Ae | Kind::Other)),
        _ => false,
    };
    pattern!(
        OF_BUYER,
        r"souscri[a-z]* par (?:le bailleur|l'acheteur|la commune|la ville|le maitre d'ouvrage|la collectivite|le pouvoir|l'office|la region|le departement|l'hopital|le syndicat)"
    );
    if passed_over || sought.term == Term::Insurance && OF_BUYER.is_match(text) {
        return Vec::new();
    }
    // Boxes to tick leave the matter open.
    let open = text.matches(['□', '☐', '❑', '▢']).count() > 1;
    let amount = amount(sought.reads, text)
        .filter(|a| !(open && matches!(a, Amount::Allowed(_))))
        .filter(|a| !is_of_security(sought.term, text, *a));
    // A heading names the matter; only with its figure does it say something.
    if sentence.is_heading
        && !matches!(amount, Some(Amount::Euros(_) | Amount::Percent(_) | Amount::Days(_) | Amount::Months(_)))
    {
        return Vec::new();
    }
    if amount.is_none() && (sought.needs_amount || !says && !alone) {
        return Vec::new();
    }
    let mut weight = 10;
    weight += if amount.is_some() { 8 } else { 0 };
    weight += if named { 5 } else { 0 };
    weight += if says { 4 } else { 0 };
    weight += match sought.pieces.iter().position(|k| *k == piece.kind) {
        Some(rank) => 6u8.saturating_sub(rank as u8),
        None => 0,
    };
    // A word in passing, in a sentence about something else.
    if text.len() < 25 {
        weight -= 4;
    }
    let found = |amount: Option<Amount>, lots: Vec<String>| {
        let what = What::Term { term: sought.term, amount, lots };
        Finding::new(what, piece, sentence.range.clone(), weight)
    };
    let words = &piece.text[sentence.range.clone()];
    let by_lot = by_lot(words, amount);
    if by_lot.is_empty() {
        let mentions = figures::mentions(words);
        let lots = if let [one] = mentions.as_slice() { one.lots.clone() } else { Vec::new() };
        // "Vingt pour cent, portés à trente pour une petite entreprise": both are told.
        let raised = raised(text).filter(|_| sought.term == Term::Advance && amount.is_some());
        let more = raised
            .filter(|n| amount != Some(Amount::Percent(*n)))
            .map(|n| found(Some(Amount::Percent(n)), lots.clone()));
        return std::iter::once(found(amount, lots)).chain(more).collect();
    }
    by_lot.into_iter().map(|(amount, lots)| found(Some(amount), lots)).collect()
}

/// The share that a sentence raises another to.
fn raised(text: &str) -> Option<f64> {
    pattern!(TO, r"\b(?:port|relev|augment|mont)(?:e|ee|es|ees|ant) a $");
    let shares = figures::of(text, Unit::Percent).into_iter().skip(1);
    shares.filter(|f| TO.is_match(&text[..f.range.start])).map(|f| f.n).next()
}

/// The figures of a sentence that gives several, each with its lots; none where it is not said whose they are.
fn by_lot(words: &str, first: Option<Amount>) -> Vec<(Amount, Vec<String>)> {
    let (unit, make): (Unit, fn(f64) -> Amount) = match first {
        Some(Amount::Euros(_)) => (Unit::Euros, Amount::Euros),
        Some(Amount::Percent(_)) => (Unit::Percent, Amount::Percent),
        Some(Amount::Days(_)) => (Unit::Days, Amount::Days),
        Some(Amount::Months(_)) => (Unit::Months, Amount::Months),
        _ => return Vec::new(),
    };
    let shared = figures::shared(&figures::written(words, unit), &figures::mentions(words));
    if shared.len() < 2 || shared.iter().any(|s| !s.told) {
        return Vec::new();
    }
    shared.into_iter().map(|s| (make(s.n), s.lots)).collect()
}

/// The rows of a table that gives a least turnover lot by lot.
fn turnover_rows(piece: &Written) -> Vec<Finding> {
    let mut out = Vec::new();
    let mut head = "";
    for line in &piece.lines {
        let row = line.folded.contains(" | ") && first(&line.folded, Unit::Euros).is_some();
        if !row {
            // What a cell wraps into stands between two rows.
            if line.folded.len() > 40 || TURNOVER.is_match(&line.folded) || line.is_heading {
                head = &line.folded;
            }
            continue;
        }
        if let Some(euros) = first(&line.folded, Unit::Euros).filter(|_| TURNOVER.is_match(head)) {
            let lots = figures::mentions(&piece.text[line.range.clone()]).into_iter().flat_map(|m| m.lots).collect();
            let what = What::Term { term: Term::MinimumTurnover, amount: Some(Amount::Euros(euros)), lots };
            out.push(Finding::new(what, piece, line.range.clone(), 30));
        }
    }
    out
}

pub(super) fn amount(reads: Reads, text: &str) -> Option<Amount> {
    let yes_no = || match (REFUSES.is_match(text), ALLOWS.is_match(text)) {
        (true, _) => Some(Amount::Allowed(false)),
        (false, true) => Some(Amount::Allowed(true)),
        (false, false) => None,
    };
    match reads {
        Reads::Nothing => None,
        Reads::Euros => first(text, Unit::Euros).map(Amount::Euros),
        Reads::Delay => delay(text),
        Reads::Share => first(text, Unit::Percent).map(Amount::Percent).or_else(yes_no),
        Reads::YesNo => yes_no(),
        Reads::Absent => Some(Amount::Allowed(false)),
        Reads::Visit if NO_VISIT.is_match(text) => Some(Amount::Allowed(false)),
        Reads::Visit if MAY_VISIT.is_match(text) => None,
        Reads::Visit => MUST_VISIT.is_match(text).then_some(Amount::Allowed(true)),
    }
}

/// A delay in days, else in months: "180 jours", "six (6) mois", "sixième jour ouvré"; of a row that asks for days, the number.
fn delay(text: &str) -> Option<Amount> {
    let in_row = || {
        let (asks, answer) = text.split_once(" | ")?;
        let (_, n) = figures::in_words(answer.trim()).or_else(|| Some((0, answer.trim().parse().ok()?)))?;
        match (asks.contains("jours"), asks.contains("mois")) {
            (true, _) => Some(Amount::Days(n)),
            (false, true) => Some(Amount::Months(n)),
            (false, false) => None,
        }
    };
    let days = first(text, Unit::Days).map(Amount::Days);
    days.or_else(|| first(text, Unit::Months).map(Amount::Months)).or_else(in_row)
}

/// The first figure of a unit.
fn first(text: &str, unit: Unit) -> Option<f64> {
    figures::of(text, unit).first().map(|f: &Figure| f.n)
}

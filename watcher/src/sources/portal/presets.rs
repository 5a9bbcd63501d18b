//! Lists whose markup is known: the block then needs an address only. What the block writes itself counts before.

use vigie_config::settings::BlockFault;

use super::List;
use crate::sources::extract::{Field, Written};

/// A known list.
struct Preset {
    name: &'static str,
    items: &'static str,
    /// (field, selector, expression, some items have none)
    fields: &'static [(Field, &'static str, Option<&'static str>, bool)],
}

const PRESETS: &[Preset] = &[
    // ATEXO LOCAL TRUST MPE: Maximilien, Mégalis, Demat-AMPA and many others. The mark of social provisions is in the page
    // in any case, hidden where there are none.
    Preset {
        name: "atexo",
        items: "div.item_consultation",
        fields: &[
            (Field::Id, "input[id$=refCons]@value", None, false),
            (
                Field::Title,
                "div[id$=panelBlocIntitule] div.truncate span, div[id$=panelBlocIntitule] .truncate-700 span",
                None,
                false,
            ),
            (Field::Reference, "div[id$=panelBlocIntitule] div.small.pull-left", None, true),
            (Field::Text, "div[id$=panelBlocObjet] span.small", None, true),
            (Field::Buyer, "div[id$=panelBlocDenomination] span.small", None, true),
            (Field::Link, "a[href*='/entreprise/consultation/']:not([href*='echanges'])@href", None, false),
            (Field::Deadline, "div.cons_dateEnd", None, false),
            (Field::Published, "div.date.date-min", None, true),
            (
                Field::Place,
                "div[id$=panelBlocLieuxExec] [data-content]@data-content || div[id$=panelBlocLieuxExec]",
                None,
                true,
            ),
            (Field::Social, "span[id$=detail_dispSociales_cons]:not([style*='display:none'])", None, true),
        ],
    },
    // AWS marches-publics.info.
    Preset {
        name: "aws",
        items: "div#entity",
        fields: &[
            (Field::Title, "div#titre_box", Some(r"(?:\[réf\.[^\]]*\]\s*)?(.+?)(?:\s*\[Marché alloti|$)"), false),
            (Field::Reference, "div.ref-acheteur", Some(r"\[réf\.\s*(.+?)\s*\]"), true),
            (Field::Buyer, "h2.h2-avis", None, false),
            (Field::Link, "div.bandeau a[href*='/Annonces/']@href", None, false),
            (Field::Deadline, "div.affiche_date_avis", Some(r"Date limite\s*:\s*le\s*(.+)"), true),
            (Field::Published, "div.affiche_date_avis", Some(r"Publié le\s*(\S+)"), true),
        ],
    },
    // Private supplier spaces that list their consultations as a table: a link and a closing date a row. Where a row holds
    // several dates the last one closes.
    Preset {
        name: "fournisseurs",
        items: "table tbody tr",
        fields: &[
            (Field::Title, "a", None, false),
            (Field::Link, "a@href", None, false),
            (
                Field::Deadline,
                "",
                Some(r"(?s).*?(?:.*\D)?(\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}(?:\s*(?:à|-)?\s*\d{1,2}\s*[h:]\s*\d{0,2})?)"),
                true,
            ),
            (Field::Text, "", None, true),
        ],
    },
];

/// Completes a list with a preset.
pub(super) fn apply(name: &str, list: &mut List) -> Result<(), BlockFault> {
    let Some(preset) = PRESETS.iter().find(|p| p.name == name) else {
        let names: Vec<&str> = PRESETS.iter().map(|p| p.name).collect();
        return Err(BlockFault::at(
            "preset",
            format!("modèle inconnu « {name} »"),
            format!("choisissez parmi : {}", names.join(", ")),
        ));
    };
    list.items.get_or_insert_with(|| preset.items.to_owned());
    for (field, select, pattern, optional) in preset.fields {
        list.fields.entry(*field).or_insert_with(|| Written::preset(select, *pattern, *optional));
    }
    Ok(())
}

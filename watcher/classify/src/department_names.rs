//! Names of départements, as keys ([`commune::key`]), and where they stand in a text. Made once, from the embedded rules.

use std::collections::HashMap;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use vigie_config::rules::Rules;
use vigie_domain::{Department, commune};

/// The département of that name, as a key.
pub(crate) fn of_name(key: &str) -> Option<Department> {
    NAMES.by_key.get(key).map(|i| NAMES.departments[*i].0.clone())
}

/// The names, and what finds them.
pub(crate) struct Names {
    /// Finds them in a text of keys, behind spaces, whatever follows; its patterns are numbered as `departments`.
    pub(crate) automaton: AhoCorasick,
    /// Each département, and whether its name is a river's, a town's or a common word too.
    pub(crate) departments: Vec<(Department, bool)>,
    by_key: HashMap<String, usize>,
}

/// Every département's name.
pub(crate) static NAMES: LazyLock<Names> = LazyLock::new(|| {
    words!(
        MANY_USES,
        "lot manche landes loire rhone nord var vienne aube ain aisne allier cher creuse doubs drome eure gard gers isere
         indre jura marne meuse moselle nievre oise orne sarthe somme tarn vendee yonne paris charente correze dordogne gironde
         herault mayenne ardeche ariege aude aveyron savoie cantal"
    );
    let all: Vec<(Department, String)> = Rules::embedded()
        .departments()
        .filter_map(|(code, name)| Some((Department::parse(code)?, commune::key(name))))
        .collect();
    #[expect(clippy::expect_used, reason = "a hundred names, embedded; every test of places builds it")]
    let automaton = AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .build(all.iter().map(|(_, key)| format!(" {key}")))
        .expect("names build an automaton");
    let departments = all.iter().map(|(d, key)| (d.clone(), MANY_USES.contains(key.as_str()))).collect();
    let mut by_key: HashMap<String, usize> = all.into_iter().enumerate().map(|(i, (_, key))| (key, i)).collect();
    // "Saint-Denis (Réunion)".
    if let Some(i) = by_key.get("la reunion").copied() {
        by_key.insert("reunion".to_owned(), i);
    }
    Names { automaton, departments, by_key }
});

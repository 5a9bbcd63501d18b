//! Sectors from words against sectors from CPV, on every real notice with a CPV code and a title that stands in the shared
//! data: groups must agree in at least 85 % of them.

use std::collections::BTreeMap;

use vigie_config::rules::Rules;
use vigie_domain::Notice;
use vigie_tests::shared;
use vigie_watcher::classify::{classify, sectors};

fn groups(sectors: &[String]) -> Vec<String> {
    let rules = Rules::embedded();
    let mut out: Vec<String> = sectors.iter().filter_map(|s| rules.sector_group(s)).map(str::to_owned).collect();
    out.sort();
    out.dedup();
    out
}

fn real_notices() -> Option<Vec<Notice>> {
    let mut out = shared::real_notices().unwrap()?;
    // The words are French: notices of other countries, and titles that TED translated, say nothing here.
    out.retain(|n| !n.cpv.is_empty() && n.title.split_whitespace().count() >= 3 && !n.title.starts_with("France-"));
    out.retain(|n| n.source != "ted" || !n.departments.is_empty());
    Some(out)
}

#[test]
#[expect(clippy::print_stdout, reason = "the confusion table is for people (--nocapture)")]
fn words_and_codes_agree_on_the_trade() {
    let Some(notices) = real_notices() else { return };
    let rules = Rules::embedded();
    let mut confusion: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut agreed = 0;
    for n in &notices {
        let by_code = groups(&n.cpv.iter().take(1).flat_map(|c| rules.sectors_of_cpv(c).to_vec()).collect::<Vec<_>>());
        let lots = classify(n).lots;
        let titles: Vec<&str> = lots.iter().map(|l| l.title.as_str()).collect();
        let by_words = groups(&sectors::from_words(&n.title, &titles));
        let same = (by_code.is_empty() && by_words.is_empty()) || by_code.iter().any(|g| by_words.contains(g));
        agreed += usize::from(same);
        if !same {
            let show = |g: &[String]| if g.is_empty() { "none".to_owned() } else { g.join("+") };
            *confusion.entry((show(&by_code), show(&by_words))).or_default() += 1;
        }
    }
    for ((code, words), n) in &confusion {
        println!("{n:3}  {code}  →  {words}");
    }
    println!("{agreed} of {} agree", notices.len());
    assert!(notices.len() >= 60, "{}", notices.len());
    assert!(agreed * 100 >= notices.len() * 85, "{agreed} of {}", notices.len());
}

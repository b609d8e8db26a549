//! The form in which the policies refuse, as `doctor` tells it.

use sde_core::policy_form::Finding;
use sde_crds::project_status::FoundForm;

use super::check::Level;
use super::facts::Facts;
use super::form;
use super::tests::{refused_by, trouble};

#[test]
fn the_form_in_force_is_told_and_a_tier_that_is_not_served_makes_the_cluster_unfit() {
    let asks_for_nothing = |f: &mut Facts| {
        for tier in &mut f.policy.as_mut().unwrap().as_mut().unwrap().spec.tiers {
            tier.policy_form = None;
        }
    };
    let silent = || {
        let mut round = refused_by(FoundForm::Static);
        round.servers[0].findings[0].1 = Finding::Unknown("no answer".to_owned());
        round
    };
    let found = trouble(|f| f.form.round = refused_by(FoundForm::Api));
    assert!(found.len() == 1 && found[0].0 == Level::Fail, "{found:?}");
    assert!(found[0].1.contains("most-sensitive"));
    let found = trouble(|f| {
        asks_for_nothing(f);
        f.form.round = refused_by(FoundForm::Api);
    });
    assert!(found.is_empty(), "{found:?}");
    for asked in [true, false] {
        let change = |f: &mut Facts| {
            if !asked {
                asks_for_nothing(f);
            }
        };
        let found = trouble(|f| {
            change(f);
            f.form.round = refused_by(FoundForm::Missing);
        });
        assert_eq!(found[0].0, Level::Fail, "{found:?}");
        let found = trouble(|f| {
            change(f);
            f.form.round = silent();
        });
        let level = if asked { Level::Fail } else { Level::Warn };
        assert_eq!(found[0].0, level, "{found:?}");
    }
}

#[test]
fn files_on_the_disk_that_are_not_this_versions_are_told() {
    for loaded in [
        Ok(Some("sha256:00".to_owned())),
        Ok(None),
        Err("no".to_owned()),
    ] {
        let found = trouble(|f| f.form.loaded = loaded);
        assert!(found.len() == 1 && found[0].0 == Level::Warn, "{found:?}");
    }
    let metrics = r#"apiserver_manifest_admission_config_controller_last_config_info{apiserver_id_hash="sha256:11",hash="sha256:22",plugin="MutatingAdmissionPolicy"} 1
apiserver_manifest_admission_config_controller_last_config_info{apiserver_id_hash="sha256:11",hash="sha256:33",plugin="ValidatingAdmissionPolicy"} 1"#;
    assert_eq!(form::loaded(metrics).as_deref(), Some("sha256:33"));
    assert_eq!(form::loaded("go_info{} 1"), None);
}

//! People's pages, used as people use them: in a browser without JavaScript, by keyboard, signed in at a real OpenID provider.
//!
//! Behind them are the real API server with the chart's policies and roles, the real controller, and both portals with their own tokens.
//! The stand-in answers for the agent, and there is no door: `sde-agent`'s own tests and the node lane have one.

use super::error::Result;
use super::lab::Lab;
use super::runner::{Runner, SuiteReport};
use super::{portal_chart, portal_flow, portal_killed, portal_pages, portal_refused};
use crate::portal::front::Front;

/// Runs the suite.
///
/// # Errors
/// When portals, provider or browser do not start: then there is nothing to look at.
pub async fn run(lab: &Lab, filter: Option<String>) -> Result<SuiteReport> {
    let mut runner = Runner::new(filter);
    runner
        .test("portal: helm's linter takes the chart", async {
            portal_chart::lint()
        })
        .await;
    runner
        .test(
            "portal: the chart's portals and door",
            portal_chart::chart(lab),
        )
        .await;
    let front = Front::start(&lab.plane, &lab.portal).await?;
    runner
        .test(
            "portal: what is looked for is found on a page that is wrong",
            portal_pages::control(&front),
        )
        .await;
    runner
        .test(
            "portal: approved, asked, reviewed by two, collected, closed, on pages that anybody can use",
            portal_flow::all(lab, &front),
        )
        .await;
    runner
        .test(
            "portal: names that are none are refused",
            portal_refused::names(&front),
        )
        .await;
    runner
        .test(
            "portal: a form that no page of ours sent is not taken",
            portal_refused::forged(lab, &front),
        )
        .await;
    runner
        .test(
            "portal: each portal's token does half of it",
            portal_refused::tokens(lab),
        )
        .await;
    runner
        .test(
            "portal: who asked and who is of the project decides nothing",
            portal_refused::conflicts(lab, &front),
        )
        .await;
    runner
        .test(
            "portal: killed on either side of a write",
            portal_killed::killed(lab, &front),
        )
        .await;
    Ok(runner.finish())
}

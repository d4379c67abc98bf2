//! Groups move because an operator orders it.

use crate::pair::usual;
use crate::run::{ALL_ON_WEB1, ALL_ON_WEB2, OWN, Run};
use crate::{Outcome, scenario};
use systole_lab::{Node, Order};

scenario!(standby_and_takeover, usual());

fn standby_and_takeover(run: &mut Run<'_>) -> Outcome {
    let web1 = Node::Web1;
    run.start_together()?;
    run.step("standby local", ALL_ON_WEB2, |lab| lab.order(web1, Order::Standby, "local"))?;
    run.step("takeover local", OWN, |lab| lab.order(web1, Order::Takeover, "local"))?;
    run.step("takeover foreign", ALL_ON_WEB1, |lab| lab.order(web1, Order::Takeover, "foreign"))?;
    run.step("standby foreign", OWN, |lab| lab.order(web1, Order::Standby, "foreign"))?;
    run.step("standby all", ALL_ON_WEB2, |lab| lab.order(web1, Order::Standby, "all"))?;
    run.step("takeover all", ALL_ON_WEB1, |lab| lab.order(web1, Order::Takeover, "all"))
}

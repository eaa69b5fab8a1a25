package org.libtorque.sim;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.libtorque.hardware.Topology;
import org.libtorque.vcore.Vcore;

class CheckedColorTest {
    private final CheckedModel model = model();
    private final Vcore vcore = model.vcores[0];
    private final CheckedColor color = new CheckedColor(vcore.newColor(), model);

    private static CheckedModel model() {
        var topology = Topology.of("core:2");
        var scenario = new Scenario(topology, Workload.BALANCED, Policy.STATIC, 1, 1_000, 0.5, 1, false, Costs.DEFAULT);
        var random = new RandomStream(1);
        var traffic = new Traffic(2, 1_000_000, random);
        return (CheckedModel) new Simulation(scenario, traffic, random, s -> new CheckedModel(s, random, traffic.home.length)).model;
    }

    @AfterEach void leave() { Vcore.switchTo(null); }

    @Test void twoTasksAtATimeAreFound() {
        model.simulation.current = model.simulation.harts[0];
        Vcore.switchTo(vcore);
        assertTrue(vcore.enter(color.color));
        color.begin("one");
        var error = assertThrows(AssertionError.class, () -> color.begin("another"));
        assertTrue(error.getMessage().contains("another"), error::getMessage);
        color.end();
        color.begin("another");
    }

    @Test void aTaskThatRunsUnderAnotherColourIsFound() {
        model.simulation.current = model.simulation.harts[0];
        Vcore.switchTo(vcore);
        assertTrue(vcore.enter(vcore.newColor()));
        assertThrows(AssertionError.class, () -> color.begin("one"));
    }

    @Test void aTaskThatHasNotRunIsFound() {
        color.checkFinished();
        color.post(false);
        assertThrows(AssertionError.class, color::checkFinished);
    }

    @Test void sharedTasksMayRunSideBySideButNotBesideAnExclusiveOne() {
        model.simulation.current = model.simulation.harts[0];
        Vcore.switchTo(vcore);
        assertTrue(vcore.enter(color.color));
        CheckedColor.Shared one = color.makeShared(), another = color.makeShared();
        color.beginShared(one);
        color.beginShared(another);
        color.endShared();
        assertThrows(AssertionError.class, () -> color.begin("an exclusive one"));
        color.endShared();
        color.begin("an exclusive one");
        assertThrows(AssertionError.class, () -> color.beginShared(one));
        color.end();
        color.checkFinished();
    }

    @Test void aSharedTaskThatOvertakesAnExclusiveOneIsFound() {
        color.post(false);
        var error = assertThrows(AssertionError.class, () -> color.beginShared(color.makeShared()));
        assertTrue(error.getMessage().endsWith("after 0 exclusive ones, not 1"), error::getMessage);
    }
}

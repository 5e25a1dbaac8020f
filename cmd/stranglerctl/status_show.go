package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func (s *statusReader) print(now shown) error {
	view := view{raw: now.raw, people: func(wide bool) error {
		if now.detail != nil {
			s.warnUnfollowed(now.router)
			s.printGuard(now)
			s.printDetail(now)
			return nil
		}
		s.out.Linef("%s", s.header(now))
		s.warnUnfollowed(now.router)
		s.printGuard(now)
		return s.printRoutes(now.routes, wide)
	}}
	for _, r := range now.routes {
		view.names = append(view.names, r.Name)
	}
	return s.show(view)
}

// header says in one line what is served, by whom, and how the store is.
func (s *statusReader) header(now shown) term.Styled {
	parts := []string{
		fmt.Sprintf("revision %d", now.router.Revision),
		fleetText(now.instances, now.fleet),
		storeText(now.router.Store, s.now()),
	}
	text := strings.Join(parts, " · ")
	if !now.router.Store.Reachable || now.router.Store.Alarm != nil {
		return s.out.Paint(term.Bad, text)
	}
	return s.out.Paint(term.Strong, text)
}

// warnUnfollowed says that what follows is not what is served.
func (s *statusReader) warnUnfollowed(router *wire.Status) {
	if router != nil && router.Store.Alarm != nil {
		s.out.Linef("%s below is what the store says; this router goes on with revision %d, see stranglerctl doctor",
			s.out.Paint(term.Bad, markWarn), router.Revision)
	}
}

func fleetText(instances []wire.Instance, unknown error) string {
	if unknown != nil {
		return "instances unknown"
	}
	counts := map[wire.InstanceState]int{}
	for _, i := range instances {
		counts[i.State]++
	}
	text := counted(counts[wire.InstanceStateServing], "instance") + " serving"
	if silent := counts[wire.InstanceStateSilent]; silent > 0 {
		text += fmt.Sprintf(", %d silent", silent)
	}
	return text
}

func storeText(store wire.StoreStatus, now time.Time) string {
	switch {
	case store.Alarm != nil:
		return "store NOT FOLLOWED: " + alarmText(*store.Alarm) + ", see stranglerctl doctor"
	case store.Reachable:
		return "store reachable"
	}
	text := "store AWAY since " + term.Ago(now.Sub(store.Since))
	if store.Error != "" {
		text += ": " + store.Error
	}
	return text
}

func alarmText(alarm wire.StoreStatusAlarm) string {
	switch alarm {
	case wire.StoreStatusAlarmWentBack:
		return "it went back"
	case wire.StoreStatusAlarmForked:
		return "it holds something else under a revision that was served"
	case wire.StoreStatusAlarmReplaced:
		return "it is another store"
	}
	return string(alarm)
}

// printRoutes prints the table, and below it why routes are not served.
func (s *statusReader) printRoutes(routes []wire.RouteStatus, wide bool) error {
	if len(routes) == 0 {
		s.note.Linef("no routes yet: every request is answered with 404; define some with stranglerctl apply -f FILE, one with prefix / among them")
		return nil
	}
	t := &term.Table{Heading: []string{"ROUTE", "STAGE", "WEIGHT", "HOLD", "AUTO", "STEP", "MATCH", "CHANGED", "PARITY", "GATES", "LEGACY", "NEW", "GROUP", "REVISION", "SKIPPED"}}
	t.Spare = []string{"MATCH", "STEP", "CHANGED", "STAGE"}
	for _, r := range routes {
		row := term.Cells(r.Name, string(r.Stage), percent(r.WeightBp), holdText(r.Hold), "", stepText(r.Step, r.Steps), r.Match,
			term.Ago(s.now().Sub(r.ChangedAt))+" by "+r.ChangedBy, parityText(r.Parity), "", r.Legacy, r.New, r.Group, strconv.FormatInt(r.Revision, 10), skippedCount(r.Parity))
		row[3].Colour = holdColour(r.Hold)
		row[4], row[9] = autoCell(r), gatesCell(r)
		if r.Invalid != nil {
			row[0].Colour = term.Bad
		}
		t.Add(row...)
	}
	if err := s.showTable(t, 10, wide); err != nil {
		return err
	}
	for _, r := range routes {
		s.printInvalid(r.Name, r.Invalid)
	}
	return nil
}

func (s *statusReader) printInvalid(name string, why *wire.Invalid) {
	if why == nil {
		return
	}
	s.out.Linef("%s %s is not in the table (%s): %s: %s",
		s.out.Paint(term.Bad, markBad), name, why.Code, why.Field, why.Message)
}

func (s *statusReader) printDetail(now shown) {
	d := now.detail.value
	r := listed(d)
	s.out.Linef("%s  %s", s.out.Paint(term.Strong, d.Name), place(stateOf(r)))
	s.printInvalid(d.Name, d.Invalid)
	field := func(name, value string) {
		if value != "" {
			s.out.Linef("  %-8s %s", name, value)
		}
	}
	field("match", d.Match)
	ended := d.Stage == wire.StageRetired // no legacy side, nowhere to go
	if !ended {
		field("legacy", d.Legacy)
	}
	field("new", d.New)
	field("group", d.Group)
	field("hold", holdText(d.Hold))
	field("step", stepText(d.Step, d.Steps))
	if d.New != "" && !ended {
		field("plan", planText(d.Plan))
	}
	for _, said := range s.parityFields(d.Parity, now.compared) {
		field(said[0], said[1])
	}
	field("auto", autoCell(r).Text)
	field("changed", fmt.Sprintf("%s by %s, revision %d", term.Ago(s.now().Sub(d.ChangedAt)), d.ChangedBy, d.Revision))
	s.printFindings(now.gates)
	if d.New != "" {
		s.hintNext(nextCommand(d.Name, stateOf(r)), wayBack(r))
	}
}

func planText(p wire.PlanDefinition) string {
	if len(p.Steps) == 0 {
		return ""
	}
	return strings.Join(p.Steps, ", ") + "; bake time " + shortened(p.Bake)
}

// wayBack is the command that takes a route's users back to legacy, if any are on new.
func wayBack(r wire.RouteStatus) string {
	if r.WeightBp == 0 || r.Stage == wire.StageRetired {
		return ""
	}
	return "rollback " + term.ShellWord(r.Name)
}

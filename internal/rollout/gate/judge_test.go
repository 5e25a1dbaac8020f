package gate_test

import (
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout/gate"
	"github.com/stranglerfig/strangler/internal/rollout/sequential"
	"github.com/stranglerfig/strangler/internal/routing"
)

// noon is a Friday.
func noon() time.Time { return time.Date(2026, time.March, 6, 12, 0, 0, 0, time.UTC) }

// watched is what has been seen at 25 %, of new and of legacy.
func watched(fresh, legacy sequential.Count) *sequential.Watch {
	var w sequential.Watch
	w.Add(sequential.Window{From: noon(), To: noon().Add(5 * time.Second), Step: 7, Weight: .25, New: fresh, Legacy: legacy})
	return &w
}

func count(exposures, events uint64) sequential.Count {
	return sequential.Count{Exposures: exposures, Events: events}
}

// well is a route at 25 % with which all is well.
func well() gate.Input {
	in := gate.Input{
		Now: noon(), Stage: routing.StageCanary, Weight: 2_500, Since: noon().Add(-time.Hour), Bake: 10 * time.Minute,
		Shadowable: true, Comparing: true, Parity: &gate.Compared{Compared: 18_211, Mismatched: 11, PerHour: 200},
		Errors:   watched(count(1_820, 4), count(5_400, 16)),
		Slowness: watched(count(1_820, 70), count(5_400, 260)),
		SlowOver: 84*time.Millisecond + 312*time.Microsecond,
		Served:   gate.Served{Requests: 2_400, Fallbacks: 1, PerHour: 1_820},
	}
	in.Latency.New, in.Latency.Legacy = 31*time.Millisecond, 84*time.Millisecond
	return in
}

func find(t *testing.T, findings []gate.Finding, name gate.Name) gate.Finding {
	t.Helper()
	for _, f := range findings {
		if f.Gate == name {
			return f
		}
	}
	t.Fatalf("%s was not asked: %+v", name, findings)
	return gate.Finding{}
}

func TestWhichGatesAreAsked(t *testing.T) {
	const always = "window freeze"
	all := gate.DefaultPolicy()
	off := gate.Policy{Parity: gate.Parity{Off: true}, Errors: gate.Rate{Off: true}, Slowness: gate.Rate{Off: true}, Fallbacks: gate.Fallbacks{Off: true}}
	for _, c := range []struct {
		stage      routing.Stage
		policy     gate.Policy
		shadowable bool
		want       string
	}{
		{routing.StageLegacy, all, true, always},
		{routing.StageShadow, all, true, "bake parity " + always},
		{routing.StageShadow, all, false, "bake " + always},
		{routing.StageCanary, all, true, "bake parity errors slowness fallbacks breaker " + always},
		{routing.StageNew, all, false, "bake errors slowness fallbacks breaker " + always},
		{routing.StageCanary, off, true, "bake breaker " + always},
		{routing.StageRetired, all, true, always},
	} {
		in := well()
		in.Stage, in.Shadowable = c.stage, c.shadowable
		got := ""
		for _, f := range gate.Judge(c.policy, in) {
			got += " " + string(f.Gate)
		}
		if got != " "+c.want {
			t.Errorf("%s: asked%s, want %s", c.stage, got, c.want)
		}
	}
}

func TestFindings(t *testing.T) {
	for _, c := range []struct {
		name      gate.Name
		change    func(*gate.Policy, *gate.Input)
		verdict   sequential.Verdict
		text      string
		missing   string
		wait      time.Duration
		rollsBack bool
	}{
		{name: gate.NameBake, verdict: sequential.Pass, text: "watched for 10m"},
		{
			name:    gate.NameBake,
			change:  func(_ *gate.Policy, in *gate.Input) { in.Since = in.Now.Add(-200 * time.Second) },
			verdict: sequential.Insufficient, text: "watched for 3m20s of 10m", missing: "7 min more", wait: 400 * time.Second,
		},
		{
			name:    gate.NameBake, // clocks that disagree
			change:  func(_ *gate.Policy, in *gate.Input) { in.Since = in.Now.Add(time.Second) },
			verdict: sequential.Insufficient, text: "watched for 0s of 10m", missing: "10 min more", wait: 10 * time.Minute,
		},
		{
			name:    gate.NameBake,
			change:  func(_ *gate.Policy, in *gate.Input) { in.Since = time.Time{} },
			verdict: sequential.Insufficient, text: "when it came to this step is not known", missing: "needs the time at which it came to this step",
		},
		{
			name: gate.NameBake, change: func(_ *gate.Policy, in *gate.Input) { in.Bake = 0 },
			verdict: sequential.Pass, text: "no bake time is asked for",
		},

		{name: gate.NameParity, verdict: sequential.Pass, text: "99.94% of 18,211 comparisons match, at least 99.86% is certain"},
		{
			name:    gate.NameParity,
			change:  func(_ *gate.Policy, in *gate.Input) { in.Parity = &gate.Compared{Compared: 350, PerHour: 25} },
			verdict: sequential.Insufficient, text: "100% of 350 comparisons match, at least 99.04% is certain",
			missing: "needs 50 more comparisons, about 2 h at the present rate", wait: 2 * time.Hour,
		},
		{
			name:    gate.NameParity,
			change:  func(_ *gate.Policy, in *gate.Input) { in.Parity = &gate.Compared{} },
			verdict: sequential.Insufficient, text: "nothing has been compared", missing: "needs 400 comparisons; there are none at present",
		},
		{
			name: gate.NameParity,
			change: func(_ *gate.Policy, in *gate.Input) {
				in.Comparing, in.Parity = false, &gate.Compared{Compared: 350, PerHour: 25}
			},
			verdict: sequential.Insufficient, text: "100% of 350 comparisons match, at least 99.04% is certain",
			missing: "needs 50 more comparisons; nothing is compared in this stage until stranglerctl shadow start",
		},
		{
			name: gate.NameParity,
			change: func(_ *gate.Policy, in *gate.Input) {
				in.Parity = &gate.Compared{Compared: 1_000, Mismatched: 5, PerHour: 100}
			},
			verdict: sequential.Insufficient, text: "99.5% of 1,000 comparisons match, at least 98.5% is certain",
			missing: "needs 2,540 more comparisons, about 26 h at the present rate", wait: 2_540 * 36 * time.Second,
		},
		{
			name: gate.NameParity,
			change: func(_ *gate.Policy, in *gate.Input) {
				in.Parity = &gate.Compared{Compared: 1_000, Mismatched: 10, PerHour: 100}
			},
			verdict: sequential.Insufficient, text: "99% of 1,000 comparisons match, at least 97.6% is certain",
			missing: "mismatches are as frequent as the limit of 1%: no number of comparisons will settle it",
		},
		{
			name: gate.NameParity,
			change: func(_ *gate.Policy, in *gate.Input) {
				in.Parity = &gate.Compared{Compared: 100, Mismatched: 3, PerHour: 100}
			},
			verdict: sequential.Insufficient, text: "97% of 100 comparisons match, at least 87% is certain",
			missing: "mismatches are too frequent: to be sure of that it needs 457 more comparisons, about 5 h at the present rate",
			wait:    457 * 36 * time.Second,
		},
		{
			name: gate.NameParity,
			change: func(_ *gate.Policy, in *gate.Input) {
				in.Parity = &gate.Compared{Compared: 1_200, Mismatched: 60, PerHour: 100}
			},
			verdict: sequential.Fail, text: "95% of 1,200 comparisons match, at most 97.3% is certain; more than 99% have to",
		},
		{
			name:    gate.NameParity,
			change:  func(p *gate.Policy, in *gate.Input) { p.Parity.Max = 0 },
			verdict: sequential.Insufficient, text: "99.94% of 18,211 comparisons match, at least 0% is certain",
			missing: "a limit of 0% can never be met: it has to lie above 0% and below 100%",
		},
		{
			name:    gate.NameParity,
			change:  func(_ *gate.Policy, in *gate.Input) { in.Parity = nil },
			verdict: sequential.Insufficient, text: "what was compared could not be read", missing: "needs what was compared",
		},

		{name: gate.NameErrors, verdict: sequential.Pass, text: "0.22% of 1,820 key-minutes on new, 0.3% of 5,400 on legacy; evidence 0.6 of 100"},
		{
			name:    gate.NameErrors,
			change:  func(_ *gate.Policy, in *gate.Input) { in.Errors = nil },
			verdict: sequential.Insufficient, text: "new has served nothing in this step; evidence 1 of 100",
			missing: "needs 100 key-minutes on new, about 4 min at the present rate", wait: 197802197802,
		},
		{
			name: gate.NameErrors,
			change: func(_ *gate.Policy, in *gate.Input) {
				in.Errors, in.Served.PerHour = watched(count(99, 0), count(0, 0)), 0
			},
			verdict: sequential.Insufficient, text: "0% of 99 key-minutes on new, none on legacy; evidence 1 of 100",
			missing: "needs 1 more key-minute on new; it serves nothing at present",
		},
		{
			name:    gate.NameErrors,
			change:  func(_ *gate.Policy, in *gate.Input) { in.Errors = watched(count(1_820, 8), count(5_400, 3)) },
			verdict: sequential.Insufficient, text: "0.44% of 1,820 key-minutes on new, 0.056% of 5,400 on legacy; evidence 23 of 100",
			missing: "needs the evidence against new to fall below 10",
		},
		{
			name:    gate.NameErrors,
			change:  func(_ *gate.Policy, in *gate.Input) { in.Errors = watched(count(120, 36), count(360, 1)) },
			verdict: sequential.Fail, rollsBack: true,
			text: "30% of 120 key-minutes on new, 0.28% of 360 on legacy; evidence over 1,000,000 of 100, against legacy at the same time",
		},
		{
			name: gate.NameErrors,
			change: func(p *gate.Policy, in *gate.Input) {
				p.Errors.Hold, in.Errors = true, watched(count(120, 36), count(360, 1))
			},
			verdict: sequential.Fail,
			text:    "30% of 120 key-minutes on new, 0.28% of 360 on legacy; evidence over 1,000,000 of 100, against legacy at the same time",
		},

		{
			name: gate.NameSlowness, verdict: sequential.Pass,
			text: "3.8% of 1,820 key-minutes on new, 4.8% of 5,400 on legacy; evidence 0.6 of 100; slow is over 84.3ms, p95 is 31ms on new and 84ms on legacy",
		},
		{
			name:    gate.NameSlowness,
			change:  func(_ *gate.Policy, in *gate.Input) { in.SlowOver = 0 },
			verdict: sequential.Insufficient, text: "legacy's p95 is not known yet", missing: "needs 200 requests on legacy within a day; each counts after 15 min",
		},

		{
			name: gate.NameFallbacks, verdict: sequential.Pass,
			text: "0.042% of 2,400 requests on new fell back, at most 0.3% is certain",
		},
		{
			name:    gate.NameFallbacks,
			change:  func(_ *gate.Policy, in *gate.Input) { in.Served = gate.Served{} },
			verdict: sequential.Insufficient, text: "new has served nothing in this step",
			missing: "needs 335 requests on new; it serves none at present",
		},
		{
			name:    gate.NameFallbacks,
			change:  func(_ *gate.Policy, in *gate.Input) { in.Served = gate.Served{Requests: 300, PerHour: 200} },
			verdict: sequential.Insufficient, text: "0% of 300 requests on new fell back, at most 1.1% is certain",
			missing: "needs 35 more requests on new, about 7 min at the present rate", wait: 7 * time.Minute,
		},
		{
			name:    gate.NameFallbacks,
			change:  func(_ *gate.Policy, in *gate.Input) { in.Served.Fallbacks = 120 },
			verdict: sequential.Fail, text: "5% of 2,400 requests on new fell back, at least 3.2% is certain; fewer than 1% have to",
		},

		{name: gate.NameBreaker, verdict: sequential.Pass, text: "closed on every router"},
		{
			name: gate.NameBreaker,
			change: func(_ *gate.Policy, in *gate.Input) {
				in.Breakers = []gate.Breaker{
					{Instance: "edge-1", State: "open", Reason: "5 connection failures\nin a row"},
					{Instance: "edge-2", State: "half_open"},
					{Instance: "edge-3", State: "open"},
					{Instance: "edge-4", State: "open"},
				}
			},
			verdict: sequential.Fail, rollsBack: true,
			text: "open on edge-1 (5 connection failures in a row), half open on edge-2, open on edge-3, and on 1 more",
		},

		{ // it was so when somebody promoted the route: nobody has tried new since
			name: gate.NameBreaker,
			change: func(_ *gate.Policy, in *gate.Input) {
				in.Breakers = []gate.Breaker{{Instance: "edge-1", State: "half_open", Age: in.Now.Sub(in.Since) + time.Second}}
			},
			verdict: sequential.Fail, text: "half open on edge-1, since before this step",
		},
		{ // and here somebody has
			name: gate.NameBreaker,
			change: func(_ *gate.Policy, in *gate.Input) {
				in.Breakers = []gate.Breaker{{Instance: "edge-1", State: "open", Reason: "trial failed", Age: in.Now.Sub(in.Since)}}
			},
			verdict: sequential.Fail, rollsBack: true, text: "open on edge-1 (trial failed)",
		},

		{name: gate.NameWindow, verdict: sequential.Pass, text: "changes are allowed at any time"},
		{
			name: gate.NameWindow, change: func(p *gate.Policy, _ *gate.Input) { p.Window = weekdays(t, 9, 16) },
			verdict: sequential.Pass, text: "open until Fri 16:00 Europe/Berlin, for 3 h",
		},
		{
			name: gate.NameWindow, change: func(p *gate.Policy, _ *gate.Input) { p.Window = weekdays(t, 9, 12) },
			verdict: sequential.Fail, text: "closed", missing: "opens Mon 9:00 Europe/Berlin, in 3 days", wait: 68 * time.Hour,
		},
		{
			name: gate.NameWindow, change: func(p *gate.Policy, _ *gate.Input) { p.Window = &gate.Window{Zone: time.UTC, To: 24 * time.Hour} },
			verdict: sequential.Fail, text: "closed", missing: "it never opens",
		},
		{
			name: gate.NameWindow, change: func(p *gate.Policy, _ *gate.Input) { p.Window = &gate.Window{} },
			verdict: sequential.Fail, text: "this router cannot read the window", missing: "needs a zone, days and hours that its version knows",
		},

		{name: gate.NameFreeze, verdict: sequential.Pass, text: "changes are not frozen"},
		{
			name: gate.NameFreeze,
			change: func(_ *gate.Policy, in *gate.Input) {
				in.Frozen = &gate.Frozen{By: "ana", At: noon(), Reason: "quarter's end"}
			},
			verdict: sequential.Fail, text: "frozen since Fri 6 Mar 12:00 UTC by ana: quarter's end", missing: "needs somebody to run: stranglerctl unfreeze",
		},
	} {
		policy, in := gate.DefaultPolicy(), well()
		if c.change != nil {
			c.change(&policy, &in)
		}
		got := find(t, gate.Judge(policy, in), c.name)
		if got.Verdict != c.verdict || got.Text != c.text || got.Missing != c.missing || got.RollsBack != c.rollsBack {
			t.Errorf("%s: %s %q, missing %q, rolls back %t\nwant %s %q, missing %q, rolls back %t",
				c.name, got.Verdict, got.Text, got.Missing, got.RollsBack, c.verdict, c.text, c.missing, c.rollsBack)
		}
		if got.Wait.Round(time.Second) != c.wait.Round(time.Second) {
			t.Errorf("%s: %q takes %s, want %s", c.name, got.Missing, got.Wait, c.wait)
		}
	}
}

func weekdays(t *testing.T, from, to int) *gate.Window {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return &gate.Window{Zone: zone, Days: [7]bool{false, true, true, true, true, true, false}, From: time.Duration(from) * time.Hour, To: time.Duration(to) * time.Hour}
}

// The numbers are those that the words are made of.
func TestNumbersOfFindings(t *testing.T) {
	in := well()
	in.Served.LastFallback = noon()
	findings := gate.Judge(gate.DefaultPolicy(), in)
	if f := find(t, findings, gate.NameBake); f.Have != 600 {
		t.Errorf("bake: %+v", f)
	}
	if f := find(t, findings, gate.NameParity); f.Have != 18_211 || f.Hits != 11 || f.Limit != .01 {
		t.Errorf("parity: %+v", f)
	}
	if f := find(t, findings, gate.NameErrors); *f.New != count(1_820, 4) || *f.Legacy != count(5_400, 16) ||
		f.Threshold != 100 || !(f.Evidence > .62 && f.Evidence < .63) || f.Against != "" {
		t.Errorf("errors: %+v", f)
	}
	if f := find(t, findings, gate.NameFallbacks); f.Have != 2_400 || f.Hits != 1 || f.Limit != .01 || !f.Last.Equal(noon()) {
		t.Errorf("fallbacks: %+v", f)
	}
	in.Errors = watched(count(120, 36), count(360, 1))
	if f := find(t, gate.Judge(gate.DefaultPolicy(), in), gate.NameErrors); f.Against != "legacy" || f.Evidence < 100 {
		t.Errorf("errors that fail: %+v", f)
	}
}

// At 100 % new is held against what legacy did, and against a limit.
func TestErrorsWhereLegacyServesNothing(t *testing.T) {
	for _, c := range []struct {
		policy   gate.Rate
		baseline float64
		text     string
		against  string
		limit    float64
	}{
		{gate.Rate{}, .01, "20% of 100 key-minutes on new, none on legacy; evidence over 1,000,000 of 100, against what legacy did before", "baseline", 0},
		{gate.Rate{Max: .02}, 1, "20% of 100 key-minutes on new, none on legacy; evidence over 1,000,000 of 100, against the limit of 2%", "limit", .02},
	} {
		var watch sequential.Watch
		window := sequential.Window{From: noon(), To: noon().Add(time.Minute), Weight: 1, New: count(100, 20)}
		window.Tolerance, window.Ceilings = gate.Bounds(c.policy, c.baseline)
		watch.Add(window)
		in := well()
		in.Stage, in.Weight, in.Errors = routing.StageNew, routing.FullWeight, &watch
		got := find(t, gate.Judge(gate.Policy{Errors: c.policy}, in), gate.NameErrors)
		if got.Verdict != sequential.Fail || got.Text != c.text || got.Against != c.against || got.Limit != c.limit || !got.RollsBack {
			t.Errorf("%+v\nwant %q", got, c.text)
		}
	}
}

func TestSummaryAndReason(t *testing.T) {
	ill := well()
	ill.Errors = watched(count(120, 36), count(360, 1))
	ill.Breakers = []gate.Breaker{{Instance: "edge-1", State: "open"}}
	waiting := well()
	waiting.Since, waiting.Parity = noon(), &gate.Compared{}
	mismatched := well()
	mismatched.Parity.Mismatched = 9_000
	both := mismatched
	both.Breakers = []gate.Breaker{{Instance: "edge-1", State: "open", Reason: "trial_failed"}}
	for _, c := range []struct {
		name    string
		policy  gate.Policy
		in      gate.Input
		summary string
		reason  string
	}{
		{"well", gate.DefaultPolicy(), well(), "all gates pass", ""},
		{"waiting", gate.DefaultPolicy(), waiting, "bake: 10 min more (1 more waits)", ""},
		{
			"ill", gate.DefaultPolicy(), ill,
			"errors: 30% of 120 key-minutes on new, 0.28% of 360 on legacy; evidence over 1,000,000 of 100, against legacy at the same time (1 more fails)",
			"errors: 30% of 120 key-minutes on new, 0.28% of 360 on legacy; evidence over 1,000,000 of 100, against legacy at the same time; breaker: open on edge-1",
		},
		{
			"mismatched", gate.DefaultPolicy(), mismatched,
			"parity: 51% of 18,211 comparisons match, at most 55% is certain; more than 99% have to", "",
		},
		{
			"mismatched and ill", gate.DefaultPolicy(), both,
			"breaker: open on edge-1 (trial failed) (1 more fails)", "breaker: open on edge-1 (trial failed)",
		},
		{"closed", gate.Policy{Window: weekdays(t, 9, 12)}, gate.Input{Now: noon()}, "window: closed, opens Mon 9:00 Europe/Berlin, in 3 days", ""},
	} {
		findings := gate.Judge(c.policy, c.in)
		if got := gate.Summary(findings); got != c.summary {
			t.Errorf("%s: the summary is %q, want %q", c.name, got, c.summary)
		}
		if got := gate.Reason(findings); got != c.reason {
			t.Errorf("%s: the reason is %q, want %q", c.name, got, c.reason)
		}
	}
	if got := gate.Summary(nil); got != "no gate was asked" {
		t.Errorf("of nothing: %q", got)
	}
}

func BenchmarkJudge(b *testing.B) {
	policy, in := gate.DefaultPolicy(), well()
	in.Parity = &gate.Compared{Compared: 1_000, Mismatched: 5, PerHour: 100}
	for b.Loop() {
		gate.Judge(policy, in)
	}
}

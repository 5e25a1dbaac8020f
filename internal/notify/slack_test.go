package notify_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/notify"
	"github.com/stranglerfig/strangler/internal/rollout"
)

func TestSlackIsToldInWords(t *testing.T) {
	automatic := moved(414, rollout.VerbRollback, "orders-get", 2500, 0, "errors: 30% on new & <!channel>\nsecond line")
	automatic.Actor, automatic.Cause = "autopilot", rollout.CauseAutopilot
	many := make([]rollout.Event, 12)
	for i := range many {
		many[i] = moved(20, rollout.VerbRollback, fmt.Sprintf("r%d", i), 500, 0, "outage")
	}
	for _, c := range []struct {
		events []rollout.Event
		link   string
		want   string
	}{
		{
			[]rollout.Event{automatic},
			"",
			"*orders-get* was rolled back by the autopilot: 25% → shadow\n" +
				"> errors: 30% on new &amp; &lt;!channel&gt; second line\n`stranglerctl history orders-get`",
		},
		{
			[]rollout.Event{moved(2, rollout.VerbPromote, "orders-get", 100, 550, "")},
			"https://look.example.com/?r={route}&x=|",
			"*orders-get* was promoted by ana: 1% → 5.5%\n" +
				"`stranglerctl history orders-get`  <https://look.example.com/?r=orders-get&amp;x=%7C|orders-get>",
		},
		{
			[]rollout.Event{moved(2, rollout.VerbPause, "orders-get", 100, 100, "lunch")},
			"",
			"*orders-get* was paused by ana\n> lunch\n`stranglerctl history orders-get`",
		},
		{
			[]rollout.Event{{Revision: 6, Verb: rollout.VerbFreeze, Kind: "store", Subject: "s", Actor: "a<b>", Reason: "sale"}},
			"",
			"*All promotions are frozen* by a&lt;b&gt;\n> sale",
		},
		{
			[]rollout.Event{{
				Revision: 6, Verb: rollout.VerbAutopilotOff, Kind: "autopilot", Subject: "orders-get", Actor: "ana",
				Before: json.RawMessage(`{"mode":"on"}`), After: json.RawMessage(`{"mode":"disarmed"}`),
			}},
			"",
			"The autopilot of *orders-get* was switched by ana: on → disarmed\n`stranglerctl history orders-get`",
		},
		{
			many, "",
			"*12 routes* were rolled back by ana: *r0* 5% → shadow, *r1* 5% → shadow, *r2* 5% → shadow, *r3* 5% → shadow, *r4* 5% → shadow, " +
				"*r5* 5% → shadow, *r6* 5% → shadow, *r7* 5% → shadow, *r8* 5% → shadow, *r9* 5% → shadow and 2 more\n> outage\n`stranglerctl history`",
		},
		{
			[]rollout.Event{moved(2, rollout.VerbPause, "orders-get", 100, 100, strings.Repeat("ö", 600))},
			"",
			"*orders-get* was paused by ana\n> " + strings.Repeat("ö", 500) + "…\n`stranglerctl history orders-get`",
		},
	} {
		r, m := newReceiver(t, nil), newMemory("team")
		m.add(c.events...)
		t.Setenv("SLACK_URL", r.URL+"/services/T0/B0/x")
		running(t, notify.Options{
			History: m, Places: m, LinkURL: c.link,
			Known: fixed(notify.Target{Name: "team", URL: "env:SLACK_URL", Format: notify.Slack, On: verbs}),
		})
		got := r.got(t)
		var body map[string]string
		if err := json.Unmarshal(got.body, &body); err != nil || len(body) != 1 || body["text"] != c.want {
			t.Errorf("%v, told\n%q, want\n%q", err, body["text"], c.want)
		}
		if signature := got.header.Get("webhook-signature"); signature != "" {
			t.Errorf("a text is signed: %q", signature)
		}
	}
}

func TestSlackIsTested(t *testing.T) {
	r := newReceiver(t, nil)
	n := made(t, notify.Options{Known: fixed(notify.Target{Name: "team", URL: r.URL, Format: notify.Slack})})
	if d, err := n.Test(t.Context(), "team"); err != nil || d.Status != http.StatusOK || d.Took <= 0 {
		t.Fatalf("%+v, %v", d, err)
	}
	if want := `{"text":"strangler: somebody asked for a test; nothing has happened."}`; string(r.got(t).body) != want {
		t.Errorf("want %s", want)
	}
}

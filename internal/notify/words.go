package notify

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/stranglerfig/strangler/internal/rollout"
)

// Of what a text names at most.
const (
	namedRoutes = 10
	mostReason  = 1000 // bytes
)

// typeOf is how programs tell messages apart.
func typeOf(verb rollout.Verb) string {
	switch verb {
	case rollout.VerbPromote:
		return "route.promoted"
	case rollout.VerbPause:
		return "route.paused"
	case rollout.VerbResume:
		return "route.resumed"
	case rollout.VerbRollback:
		return "route.rolled_back"
	case rollout.VerbRetire:
		return "route.retired"
	case rollout.VerbUndo:
		return "route.undone"
	case rollout.VerbFreeze:
		return "fleet.frozen"
	case rollout.VerbUnfreeze:
		return "fleet.unfrozen"
	default:
		return "route." + string(verb)
	}
}

// done is what was done, for people.
func done(verb rollout.Verb) string {
	switch verb {
	case rollout.VerbPromote:
		return "promoted"
	case rollout.VerbPause:
		return "paused"
	case rollout.VerbResume:
		return "resumed"
	case rollout.VerbRollback:
		return "rolled back"
	case rollout.VerbRetire:
		return "retired"
	case rollout.VerbUndo:
		return "put back to where it was before"
	case rollout.VerbFreeze:
		return "All promotions are frozen"
	case rollout.VerbUnfreeze:
		return "Promotions are allowed again"
	case rollout.VerbAutopilotOn, rollout.VerbAutopilotOff:
		return "switched"
	default:
		return string(verb)
	}
}

// text is the message as Slack takes it: what happened, why, and where to look.
// Nothing in it acts when it is followed.
func (m message) text() string {
	if len(m.Data.Routes) == 0 {
		return m.headless()
	}
	var b strings.Builder
	b.WriteString(m.heading())
	if m.Data.Reason != "" {
		b.WriteString("\n> " + escaped(cut(m.Data.Reason, mostReason)))
	}
	if len(m.Data.Routes) == 1 {
		fmt.Fprintf(&b, "\n`stranglerctl history %s`", escaped(m.Data.Routes[0].Route))
	} else {
		b.WriteString("\n`stranglerctl history`")
	}
	for _, route := range m.Data.Routes[:min(namedRoutes, len(m.Data.Routes))] {
		if route.Link != "" {
			fmt.Fprintf(&b, "  <%s|%s>", strings.ReplaceAll(escaped(route.Link), "|", "%7C"), escaped(route.Route))
		}
	}
	return b.String()
}

// headless is the text of what is about no route.
func (m message) headless() string {
	if m.Data.Revision == 0 {
		return "strangler: " + m.Data.Reason + "."
	}
	text := fmt.Sprintf("*%s* by %s", done(m.Data.Verb), escaped(m.Data.Actor))
	if m.Data.Reason != "" {
		text += "\n> " + escaped(cut(m.Data.Reason, mostReason))
	}
	return text
}

func (m message) heading() string {
	routes := m.Data.Routes
	by := escaped(m.Data.Actor)
	if m.Data.Cause == rollout.CauseAutopilot || m.Data.Cause == rollout.CauseGuard {
		by = "the autopilot"
	}
	if len(routes) == 1 {
		subject := "*" + escaped(routes[0].Route) + "*"
		if m.Data.Verb == rollout.VerbAutopilotOn || m.Data.Verb == rollout.VerbAutopilotOff {
			subject = "The autopilot of " + subject
		}
		text := fmt.Sprintf("%s was %s by %s", subject, done(m.Data.Verb), by)
		if moved := routes[0].moved(); moved != "" {
			text += ": " + moved
		}
		return text
	}
	text := fmt.Sprintf("*%d routes* were %s by %s: ", len(routes)+m.Data.More, done(m.Data.Verb), by)
	var moves []string
	for _, route := range routes[:min(namedRoutes, len(routes))] {
		moves = append(moves, strings.TrimSpace("*"+escaped(route.Route)+"* "+route.moved()))
	}
	text += strings.Join(moves, ", ")
	if more := len(routes) + m.Data.More - len(moves); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// moved says from where to where; empty where it stayed.
func (r toldRoute) moved() string {
	from, to := standing(r.Before), standing(r.After)
	if from == to {
		return ""
	}
	return from + " → " + to
}

// standing is where a route stood, or how its autopilot was switched.
func standing(facts json.RawMessage) string {
	var s struct {
		rollout.State
		Mode string `json:"mode"`
	}
	switch {
	case json.Unmarshal(facts, &s) != nil:
		return ""
	case s.Mode != "":
		return escaped(s.Mode)
	default:
		return s.Target().String()
	}
}

// escaped takes their meaning from the three characters by which Slack recognises
// links and mentions, and keeps a text on its line.
func escaped(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// cut is a text of so many bytes at most, and a sign that there was more.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most] + "…"
}

package routing_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/routing"
)

func TestParseWeight(t *testing.T) {
	for text, want := range map[string]routing.Weight{
		"0": 0, "0%": 0, "1%": 100, "25": 2500, "25 %": 2500, "0.5%": 50, "12.34": 1234, "99.99%": 9999, "100%": 10000, "100.00": 10000, "007": 700,
	} {
		if got, err := routing.ParseWeight(text); err != nil || got != want {
			t.Errorf("ParseWeight(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "%", "150", "150%", "100.01", "-5", "+5", "12.345", "5.", ".5", "1e1", "1_0", "25%%", "0x10", "NaN", "12.-1", "٢٥", "99999999999999999999",
	} {
		got, err := routing.ParseWeight(text)
		if !errors.Is(err, routing.ErrWeight) || !strings.Contains(err.Error(), "from 0% to 100%") || got != 0 {
			t.Errorf("ParseWeight(%q) = %d, %v; want an ErrWeight", text, got, err)
		}
	}
}

func TestWeightIsWrittenAsItIsRead(t *testing.T) {
	for weight := routing.Weight(0); weight <= routing.FullWeight; weight++ {
		if got, err := routing.ParseWeight(weight.String()); err != nil || got != weight {
			t.Fatalf("%d is written %s and read as %d, %v", weight, weight, got, err)
		}
	}
}

func TestStageIsItsName(t *testing.T) {
	for stage := routing.StageLegacy; stage <= routing.StageRetired; stage++ {
		text, err := json.Marshal(stage)
		if err != nil {
			t.Fatal(err)
		}
		var back routing.Stage
		if err := json.Unmarshal(text, &back); err != nil || back != stage || string(text) != `"`+stage.String()+`"` {
			t.Errorf("%s is written %s and read as %s, %v", stage, text, back, err)
		}
	}
	if _, err := json.Marshal(routing.StageRetired + 1); err == nil {
		t.Error("an unknown stage is written")
	}
	stage := routing.StageNew
	err := json.Unmarshal([]byte(`"paused"`), &stage)
	if err == nil || !strings.Contains(err.Error(), `"paused": want one of legacy, shadow, canary, new, retired`) || stage != routing.StageNew {
		t.Errorf("an unknown stage is read as %s, %v", stage, err)
	}
}

func TestNames(t *testing.T) {
	for want, got := range map[string]string{
		"legacy": routing.Legacy.String(), "new": routing.New.String(),
		"stage": routing.ReasonStage.String(), "weight": routing.ReasonWeight.String(), "no_key": routing.ReasonNoKey.String(),
		"catch_all": routing.ReasonCatchAll.String(), "fallback": routing.ReasonFallback.String(), "reason(9)": routing.Reason(9).String(),
		"stage(9)": routing.Stage(9).String(),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

package compare_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/shadow/compare"
)

// page is JSON with a list of so many objects, and so many members behind it.
func page(items, members int, value string) compare.Answer {
	var text strings.Builder
	text.WriteString(`{"items":[`)
	for i := range items {
		fmt.Fprintf(&text, `{"id":%d,"at":%s},`, i, value)
	}
	text.WriteString(`0]`)
	for i := range members {
		fmt.Fprintf(&text, `,"m%c%c":%s`, 'g'+i/20, 'g'+i%20, value)
	}
	text.WriteString(`}`)
	return compare.Answer{Status: 200, Header: map[string][]string{"Content-Type": {"application/json"}}, Body: []byte(text.String())}
}

func TestWhatIsAlikeMakesRoomForWhatIsNot(t *testing.T) {
	for _, test := range []struct {
		items, members int
		ofItems, more  int
		lost           bool
	}{
		{150, 50, 150, 0, false},
		{1000, 1, 199, 801, false},
		{1000, 199, 1, 999, false},
		{1000, 200, 1, 1000, true},
	} {
		t.Run(fmt.Sprint(test.items, " and ", test.members), func(t *testing.T) {
			got := compare.Compare(page(test.items, test.members, "1"), page(test.items, test.members, "2"), compare.Options{Bodies: true})
			ofItems := 0
			for _, d := range got.Differences {
				if d.Path == "$.items[*].at" {
					ofItems++
				}
			}
			if len(got.Differences) != 200 || ofItems != test.ofItems || got.More != test.more || got.Lost != test.lost {
				t.Errorf("%d differences, %d of them of items, %d more, lost %v; want 200, %d, %d, %v",
					len(got.Differences), ofItems, got.More, got.Lost, test.ofItems, test.more, test.lost)
			}
			last := got.Differences[199].Where
			if want := fmt.Sprintf("$.m%c%c", 'g'+(test.members-1)/20, 'g'+(test.members-1)%20); (last == want) == test.lost {
				t.Errorf("the last difference is %s, want %s unless it is lost", last, want)
			}
		})
	}
}

func TestTooManyDifferencesCostNoMoreThanTheirPaths(t *testing.T) {
	var legacy, fresh strings.Builder
	for i := range 100_000 { // none is like another one
		fmt.Fprintf(&legacy, `,"k%c%c%c%c":1`, 'g'+i%20, 'g'+i/20%20, 'g'+i/400%20, 'g'+i/8000)
		fmt.Fprintf(&fresh, `,"k%c%c%c%c":2`, 'g'+i%20, 'g'+i/20%20, 'g'+i/400%20, 'g'+i/8000)
	}
	got := compare.Compare(jsonOf("{"+legacy.String()[1:]+"}"), jsonOf("{"+fresh.String()[1:]+"}"), compare.Options{Bodies: true})
	if len(got.Differences) != 200 || got.More != 99_800 || !got.Lost {
		t.Errorf("%d differences, %d more, lost %v; want 200, 99800 and lost", len(got.Differences), got.More, got.Lost)
	}
}

func jsonOf(body string) compare.Answer {
	return compare.Answer{Status: 200, Header: map[string][]string{"Content-Type": {"application/json"}}, Body: []byte(body)}
}

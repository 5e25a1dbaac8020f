package redact

// Digits that the number of a payment card has (ISO/IEC 7812-1).
const (
	minCard = 13
	maxCard = 19

	minGroup = 4 // as they are printed, but for the last group
)

// group is a run of digits.
type group struct{ begin, end int }

// cards finds numbers of payment cards, also in groups with single spaces or
// hyphens between them: 13 to 19 digits, of which the last one is right by Luhn's
// formula, and the first one is one that cards have. Those that begin with 0 or 1
// are clocks: no card of a bank does.
func cards(found []span, text string) []span {
	var row []group // groups with one separator between each two
	for at := 0; at < len(text); {
		if !isDigit(text[at]) {
			at++
			continue
		}
		begin := at
		for at < len(text) && isDigit(text[at]) {
			at++
		}
		if len(row) > 0 && (row[len(row)-1].end+1 != begin || text[begin-1] != ' ' && text[begin-1] != '-') {
			found = cardsIn(found, text, row)
			row = row[:0]
		}
		row = append(row, group{begin, at})
	}
	return cardsIn(found, text, row)
}

// cardsIn tries every row of groups within a row: behind a card may stand
// another number.
func cardsIn(found []span, text string, row []group) []span {
	for i := range row {
		digits := 0
		for j := i; j < len(row) && digits <= maxCard; j++ {
			if j > i && row[j-1].end-row[j-1].begin < minGroup {
				break
			}
			digits += row[j].end - row[j].begin
			whole := span{row[i].begin, row[j].end}
			if minCard <= digits && digits <= maxCard && !isFraction(text, whole.begin) && isCard(text[whole.begin:whole.end]) {
				found = append(found, whole)
			}
		}
	}
	return found
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isFraction reports whether the digits at a place stand behind a decimal point.
func isFraction(text string, at int) bool {
	return at >= 2 && text[at-1] == '.' && isDigit(text[at-2])
}

// isCard reports whether a text of digits and separators has Luhn's check digit.
func isCard(text string) bool {
	if text[0] < '2' {
		return false
	}
	sum, double := 0, false
	for i := len(text) - 1; i >= 0; i-- {
		if !isDigit(text[i]) {
			continue
		}
		d := int(text[i] - '0')
		if double {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum, double = sum+d, !double
	}
	return sum%10 == 0
}

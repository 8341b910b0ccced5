// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A Role is what a system under test is.
type Role string

// The roles. An Endpoint is an SCTP server or client, whichever there is.
const (
	Server    Role = "server"
	Client    Role = "client"
	Endpoint  Role = "endpoint"
	Registrar Role = "registrar"
	PE        Role = "pe"
	PU        Role = "pu"
)

// A Level is how strong a rule is. Prose is a rule that the RFC states without a key word.
type Level string

// The levels.
const (
	Must      Level = "MUST"
	MustNot   Level = "MUST NOT"
	Should    Level = "SHOULD"
	ShouldNot Level = "SHOULD NOT"
	Prose     Level = "PROSE"
)

// Mandatory reports whether to break the rule is wrong whatever the reason. What an RFC states as a fact counts.
func (l Level) Mandatory() bool { return l == Must || l == MustNot || l == Prose }

// A Requirement is a row of requirements.tsv.
type Requirement struct {
	ID       string // RFC, section and number: "9260/5.1/2"
	Level    Level
	Role     Role   // what S is
	Peer     string // what T is
	Stimulus string // without the Needs
	Expected string
	Rule     string   // the RFC's words
	ETSI     []string // test purposes of ETSI TS 102 369
	Needs    []string // acts ("cmd:connect") and capabilities ("echo", "addr2") without which it cannot be checked
	Slow     bool     // takes minutes of real time
}

// RFC is the number of the RFC.
func (r *Requirement) RFC() string { return r.ID[:strings.IndexByte(r.ID, '/')] }

// Section is RFC and section: "9260/5.1".
func (r *Requirement) Section() string { return r.ID[:strings.LastIndexByte(r.ID, '/')] }

// A Case checks a Requirement.
type Case struct {
	// ID is that of the requirement.
	ID string
	// Run checks it. It passes when Run returns.
	Run func(t *T)
	// Unobservable says why a tester that sees packets cannot check it; then there is no Run.
	Unobservable string

	*Requirement // filled in by Join
}

var notation = regexp.MustCompile(`^\[([a-z0-9:-]+)\] ?`)

// Requirements are the rows of requirements.tsv by their IDs.
var Requirements = sync.OnceValue(func() map[string]*Requirement {
	rows := map[string]*Requirement{}
	for i, line := range strings.Split(strings.TrimSpace(requirements), "\n")[1:] {
		f := strings.Split(line, "\t")
		if len(f) == 7 {
			f = append(f, "")
		}
		if len(f) != 8 {
			panic(fmt.Sprintf("requirements.tsv: row %d has %d fields", i+2, len(f)))
		}
		r := &Requirement{ID: f[0], Level: Level(f[1]), Role: Role(f[2]), Peer: f[3], Stimulus: f[4], Expected: f[5], Rule: f[6], ETSI: strings.Fields(f[7])}
		for {
			m := notation.FindStringSubmatch(r.Stimulus)
			if m == nil {
				break
			}
			r.Stimulus = r.Stimulus[len(m[0]):]
			if m[1] == "slow" {
				r.Slow = true
			} else {
				r.Needs = append(r.Needs, m[1])
			}
		}
		rows[r.ID] = r
	}
	return rows
})

// Join gives the cases their requirements and sorts them. It panics if one has none, or two have the same.
func Join(lists ...[]Case) []Case {
	all := slices.Concat(lists...)
	seen := map[string]bool{}
	for i := range all {
		c := &all[i]
		if c.Requirement = Requirements()[c.ID]; c.Requirement == nil {
			panic("conformance: case " + c.ID + " has no row in requirements.tsv")
		}
		if seen[c.ID] {
			panic("conformance: case " + c.ID + " exists twice")
		}
		seen[c.ID] = true
	}
	slices.SortFunc(all, func(a, b Case) int { return CompareID(a.ID, b.ID) })
	return all
}

// CompareID orders case IDs: RFC 9260, its companions, and then RSerPool, each by section and number.
func CompareID(a, b string) int {
	x, y := strings.Split(a, "/"), strings.Split(b, "/")
	if c := cmp.Compare(rfcOrder(x[0]), rfcOrder(y[0])); c != 0 {
		return c
	}
	if c := slices.CompareFunc(strings.Split(x[1], "."), strings.Split(y[1], "."), compareNumber); c != 0 {
		return c
	}
	return compareNumber(x[2], y[2])
}

func compareNumber(a, b string) int {
	x, _ := strconv.Atoi(a)
	y, _ := strconv.Atoi(b)
	return cmp.Compare(x, y)
}

var rfcs = []string{"9260", "6951", "4895", "5061", "3758", "6525", "8260", "7829", "4820", "5352", "5353", "5354", "5356"}

func rfcOrder(rfc string) int {
	if i := slices.Index(rfcs, rfc); i >= 0 {
		return i
	}
	return len(rfcs)
}

// Select returns the cases that one of the patterns names: an ID ("9260/6.2/1"), a section with those below it
// ("9260/6"), an RFC ("9260"), or a glob of any of them ("9260/6.*", "*/*/1"). No patterns name all cases. The error says
// which pattern names none.
func Select(cases []Case, patterns ...string) (selected []Case, err error) {
	if len(patterns) == 0 {
		return cases, nil
	}
	hit := map[string]bool{}
	for _, c := range cases {
		yes := false
		for _, p := range patterns {
			if names(p, c.ID) {
				yes, hit[p] = true, true
			}
		}
		if yes {
			selected = append(selected, c)
		}
	}
	for _, p := range patterns {
		if !hit[p] {
			return nil, fmt.Errorf("no case is named by %q", p)
		}
	}
	return selected, nil
}

func names(pattern, id string) bool {
	pattern = strings.TrimSuffix(strings.TrimPrefix(strings.ToLower(pattern), "rfc"), "/")
	if pattern == id || strings.HasPrefix(id, pattern+"/") {
		return true
	}
	if strings.Contains(pattern, "/") && strings.HasPrefix(id, pattern+".") && strings.Count(pattern, "/") == 1 {
		return true
	}
	for _, part := range prefixes(id) {
		if ok, _ := path.Match(pattern, part); ok {
			return true
		}
	}
	return false
}

// prefixes are the RFC, the section and the whole of an ID.
func prefixes(id string) []string {
	f := strings.Split(id, "/")
	return []string{f[0], f[0] + "/" + f[1], id}
}

// Package shapes holds the shapes of a prefix table that were tried, each as small as it can be.
//
// All find the longest of the keys that an id begins with, in any case. Ids are ASCII here: what
// the Kelvin sign and the long s cost is the same for every shape.
package shapes

import (
	"encoding/json"
	"os"
	"runtime"
	"slices"
	"sort"
	"strings"
	"testing"
)

// The number of the longest key that an id begins with, or -1.
type shape func(id string) int

var contenders = []struct {
	name string
	made func(keys []string) shape
}{
	{"a look-up per length", lookUps},
	{"bisection", bisection},
	{"nodes and labels", nodes},
	{"a row per state", rows},
	{"one array", oneArray},
}

func lowered(char byte) byte {
	if 'A' <= char && char <= 'Z' {
		return char + ('a' - 'A')
	}
	return char
}

func foldedInto(buffer []byte, id string) []byte {
	for i := 0; i < len(id) && len(buffer) < cap(buffer); i++ {
		buffer = append(buffer, lowered(id[i]))
	}
	return buffer
}

const longest = 64

// A map of all keys, and for each first byte the lengths to try, the longest first.
func lookUps(keys []string) shape {
	numbers := map[string]int{}
	var lengths [256][]int
	for number, key := range keys {
		numbers[key] = number
		if !slices.Contains(lengths[key[0]], len(key)) {
			lengths[key[0]] = append(lengths[key[0]], len(key))
		}
	}
	for head := range lengths {
		sort.Sort(sort.Reverse(sort.IntSlice(lengths[head])))
	}
	return func(id string) int {
		var buffer [longest]byte
		folded := foldedInto(buffer[:0], id)
		for _, length := range lengths[folded[0]] {
			if length > len(folded) {
				continue
			}
			if number, ok := numbers[string(folded[:length])]; ok {
				return number
			}
		}
		return -1
	}
}

// For each of the sorted keys the longest other one that it begins with, or -1.
func shorter(keys []string) []int {
	found := make([]int, len(keys))
	for i := range keys {
		found[i] = i - 1
		for found[i] >= 0 && !strings.HasPrefix(keys[i], keys[found[i]]) {
			found[i] = found[found[i]]
		}
	}
	return found
}

// The last key that is not behind the id; from there to ever shorter ones.
func bisection(keys []string) shape {
	shorter := shorter(keys)
	return func(id string) int {
		var buffer [longest]byte
		folded := string(foldedInto(buffer[:0], id))
		low, high := 0, len(keys)
		for low < high {
			if middle := (low + high) / 2; keys[middle] <= folded {
				low = middle + 1
			} else {
				high = middle
			}
		}
		number := low - 1
		for number >= 0 && !strings.HasPrefix(folded, keys[number]) {
			number = shorter[number]
		}
		return number
	}
}

type node struct {
	label    string
	number   int
	heads    []byte
	children []*node
}

// Nodes only where keys part, each with the text that leads to it.
func nodes(keys []string) shape {
	shorter := shorter(keys)
	var grown func(low, high, depth int) *node
	grown = func(low, high, depth int) *node {
		first, last := keys[low], keys[high-1]
		end := depth
		for end < len(first) && end < len(last) && first[end] == last[end] {
			end++
		}
		made := &node{label: first[depth:end], number: shorter[low]}
		if len(first) == end {
			made.number = low
			low++
		}
		for low < high {
			next := low
			for next < high && keys[next][end] == keys[low][end] {
				next++
			}
			made.heads = append(made.heads, keys[low][end])
			made.children = append(made.children, grown(low, next, end))
			low = next
		}
		return made
	}
	// No key is all that the others begin with, so the first node has no label.
	root := grown(0, len(keys), 0)
	return func(id string) int {
		at, i, number := root, 0, -1
		for {
			for j := 0; j < len(at.label); j++ {
				if i == len(id) || lowered(id[i]) != at.label[j] {
					return number
				}
				i++
			}
			number = at.number
			if i == len(id) {
				return number
			}
			child := slices.Index(at.heads, lowered(id[i]))
			if child < 0 {
				return number
			}
			at = at.children[child]
		}
	}
}

// A state for each beginning of a key; its row has a cell for each byte that occurs.
func rows(keys []string) shape {
	var columns [256]uint8
	width := uint32(1)
	for _, key := range keys {
		for i := 0; i < len(key); i++ {
			if columns[key[i]] == 0 {
				columns[key[i]] = uint8(width)
				width++
			}
		}
	}
	for char := byte('A'); char <= 'Z'; char++ {
		columns[char] = columns[lowered(char)]
	}
	next, numbers := make([]uint32, 2*width), []int{-1, -1}
	for number, key := range keys {
		state := width
		for i := 0; i < len(key); i++ {
			cell := state + uint32(columns[key[i]])
			if next[cell] == 0 {
				next[cell] = uint32(len(next))
				next = append(next, make([]uint32, width)...)
				numbers = append(numbers, numbers[state/width])
			}
			state = next[cell]
		}
		numbers[state/width] = number
	}
	return func(id string) int {
		state := width
		for i := 0; i < len(id); i++ {
			to := next[state+uint32(columns[id[i]])]
			if to == 0 {
				break
			}
			state = to
		}
		return numbers[state/width]
	}
}

type cell struct {
	base, from uint32
}

// The same states as cells of one array, those of a run of bytes side by side: the shape that
// the generated code has.
func oneArray(keys []string) shape {
	cells, numbers := make([]cell, 256), make([]int, 256)
	var filled func(state uint32, depth, low, high, number int)
	filled = func(state uint32, depth, low, high, number int) {
		if len(keys[low]) == depth {
			number = low
			low++
		}
		numbers[state] = number
		if low == high {
			return
		}
		starts := []int{low}
		for i := low + 1; i < high; i++ {
			if keys[i][depth] != keys[i-1][depth] {
				starts = append(starts, i)
			}
		}
		base := uint32(0)
		for at := max(256, len(cells)-256); base == 0; at++ {
			base = uint32(at) - uint32(keys[low][depth])
			for len(cells) <= int(base)+int(keys[high-1][depth]) {
				cells, numbers = append(cells, cell{}), append(numbers, -1)
			}
			for _, start := range starts {
				if cells[base+uint32(keys[start][depth])].from != 0 {
					base = 0
					break
				}
			}
		}
		cells[state].base = base
		for _, start := range starts {
			cells[base+uint32(keys[start][depth])].from = state
		}
		for i, start := range starts {
			end := high
			if i+1 < len(starts) {
				end = starts[i+1]
			}
			filled(base+uint32(keys[start][depth]), depth+1, start, end, number)
		}
	}
	const root = 1
	filled(root, 0, 0, len(keys), -1)
	return func(id string) int {
		state, base := uint32(root), cells[root].base
		for i := 0; i < len(id); i++ {
			to := base + uint32(lowered(id[i]))
			if to >= uint32(len(cells)) || cells[to].from != state {
				break
			}
			state, base = to, cells[to].base
		}
		return numbers[state]
	}
}

// Tables of keys by name, which the experiment writes where it runs this.
func tables(tb testing.TB) map[string][]string {
	text, err := os.ReadFile("keys.json")
	if err != nil {
		tb.Fatal(err)
	}
	var found map[string][]string
	if err := json.Unmarshal(text, &found); err != nil {
		tb.Fatal(err)
	}
	return found
}

// Fifty ids that begin with a key, drawn evenly, and as many that lack its last byte.
func drawn(keys []string) (prefix, miss []string) {
	for i := 0; i < 50; i++ {
		key := keys[i*len(keys)/50]
		prefix = append(prefix, key+"Model-4.1-turbo")
		miss = append(miss, key[:len(key)-1]+".model-4.1-turbo")
	}
	return prefix, miss
}

// Asks each key in turn: slow, and nothing to be wrong in.
func oneByOne(keys []string, id string) int {
	found := -1
	for number, key := range keys {
		if strings.HasPrefix(strings.ToLower(id), key) && (found < 0 || len(key) > len(keys[found])) {
			found = number
		}
	}
	return found
}

func TestAllShapesAgree(t *testing.T) {
	for name, keys := range tables(t) {
		prefix, miss := drawn(keys)
		ids := append(append([]string{"?"}, prefix...), miss...)
		for _, contender := range contenders {
			find := contender.made(keys)
			for _, id := range ids {
				if got, want := find(id), oneByOne(keys, id); got != want {
					t.Errorf("%s, %s: %q is %d and not %d", name, contender.name, id, got, want)
				}
			}
		}
	}
}

var number int

func BenchmarkShape(b *testing.B) {
	for name, keys := range tables(b) {
		prefix, miss := drawn(keys)
		for kind, ids := range map[string][]string{"prefix": prefix, "miss": miss} {
			for _, contender := range contenders {
				find := contender.made(keys)
				b.Run(kind+", "+name+"/"+contender.name, func(b *testing.B) {
					for i, next := 0, 0; i < b.N; i, next = i+1, next+1 {
						if next == len(ids) {
							next = 0
						}
						number = find(ids[next])
					}
				})
			}
		}
	}
}

// What a table takes of the heap, its keys apart.
func BenchmarkSize(b *testing.B) {
	for name, keys := range tables(b) {
		for _, contender := range contenders {
			b.Run(name+"/"+contender.name, func(b *testing.B) {
				before := heap()
				find := contender.made(keys)
				b.ReportMetric(float64(heap()-before), "table-bytes")
				runtime.KeepAlive(find)
			})
		}
	}
}

func heap() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

#!/usr/bin/env python3
"""Splits the training images of the chest X-rays so that test images differ from training images as another hospital's might.

    divide.py CHEST_XRAY OUT

CHEST_XRAY is the Kaggle edition's folder with its manifest.csv (path, class, subtype, patient); OUT contains only links:
  OUT/numbers   test: the lowest 18 % of the patient numbers within each file-name pattern
  OUT/series-a  normal lungs: IM-… for training, NORMAL2-IM-… for test, two series of one hospital; pneumonia as above
  OUT/series-b  the reverse
A tenth of the other patients is for validation.
"""
import csv, hashlib, os, re, sys

source, out = os.path.abspath(sys.argv[1]), sys.argv[2]
rows = list(csv.DictReader(open(os.path.join(source, 'manifest.csv'))))
for row in rows:
    row['name'] = os.path.basename(row['path'])
    row['number'] = int(re.search(r'(?:person|IM-)(\d+)', row['name']).group(1))
    row['kind'] = row['subtype'] or row['name'].split('IM-')[0] + 'IM'
    row['validates'] = int(hashlib.md5(row['patient'].encode()).hexdigest(), 16) % 10 == 0


def low(kind):
    numbers = sorted({row['number'] for row in rows if row['kind'] == kind})
    return set(numbers[:int(len(numbers) * .18)])


def write(name, learn, test):
    parts = {'train': [r for r in learn if not r['validates']], 'val': [r for r in learn if r['validates']], 'test': test}
    for part, images in parts.items():
        for row in images:
            folder = os.path.join(out, name, part, row['class'])
            os.makedirs(folder, exist_ok=True)
            os.symlink(os.path.join(source, row['path']), os.path.join(folder, row['name']))
        print(name, part, {c: sum(r['class'] == c for r in images) for c in ('NORMAL', 'PNEUMONIA')})


lowest = {kind: low(kind) for kind in {row['kind'] for row in rows}}
test = [row for row in rows if row['number'] in lowest[row['kind']]]
patients = {row['patient'] for row in test}
write('numbers', [row for row in rows if row['patient'] not in patients], test)

ill = [row for row in rows if row['class'] == 'PNEUMONIA']
held_out = lowest['bacteria'] | lowest['virus']
ill_test = [row for row in ill if row['number'] in held_out]
ill_learn = [row for row in ill if row['number'] not in held_out]
one, two = ([row for row in rows if row['kind'] == kind] for kind in ('IM', 'NORMAL2-IM'))
write('series-a', one + ill_learn, two + ill_test)
write('series-b', two + ill_learn, one + ill_test)

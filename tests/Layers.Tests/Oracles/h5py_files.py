# Writes the files h5py-*.h5 in this folder with the reference library, h5py 3.7 on HDF5 1.10.8.
import h5py, numpy as np

def values(*shape, dtype='f4'): return (np.arange(np.prod(shape)) * 0.5 - 3).reshape(shape).astype(dtype)
for lib in ('earliest', 'latest'):
    with h5py.File(f'h5py-{lib}.h5', 'w', libver=lib, track_order=True) as f:
        for i in range(50): f.create_group('many', track_order=True).create_dataset(f'{i}', data=np.float32(i)) if i == 0 else f['many'].create_dataset(f'{i}', data=np.float32(i))
        for name, how in {'plain': {}, 'packed': dict(compression='gzip'), 'all': dict(fletcher32=True, shuffle=True, compression='gzip')}.items():
            f.create_dataset(f'chunks/{name}', data=values(5, 7), chunks=(2, 3), **how)
        f.create_dataset('chunks/one', data=values(5, 7), chunks=(5, 7), compression='gzip', shuffle=True)
        d = f.create_dataset('chunks/holes', (5, 7), 'f4', chunks=(2, 3), fillvalue=9); d[0:2, 0:3] = values(2, 3)
        for dtype in ('f8', '>f4', 'f2', 'i8', '>i2', 'u1'): f['kinds/' + dtype.replace('>', 'big-')] = np.abs(values(3, 4)).astype(dtype)
        f['kinds/type'] = np.dtype('f4'); f.create_dataset('kinds/committed', (3, 4), dtype=f['kinds/type'])[...] = values(3, 4)
        f['kinds/text'] = 'passed over'; f['kinds/alias'] = h5py.SoftLink('/kinds/f2'); f['kinds/empty'] = np.zeros((0, 4), 'f4'); f.create_dataset('kinds/unwritten', (2,), 'f4', fillvalue=2.5)
    with h5py.File(f'h5py-keras-{lib}.h5', 'w', libver=lib) as f:
        f.attrs['layer_names'] = np.array([b'conv', b'pool', b'fc'])
        for i in range(12): f.attrs[f'note{i}'] = 'a note'
        for layer, shapes in {'conv': {'kernel:0': (3, 2), 'bias:0': (2,)}, 'pool': {}, 'fc': {'kernel:0': (2, 2)}}.items():
            g = f.create_group(layer); g.attrs['weight_names'] = [f'{layer}/{n}' for n in shapes] if shapes else np.array([])
            for n, s in shapes.items(): g[f'{layer}/{n}'] = values(*s)

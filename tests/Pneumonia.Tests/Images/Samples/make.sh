#!/bin/bash
# Makes the images of this folder from two drawn pictures; ImageMagick and libjpeg-turbo-progs.
set -e
picture=$(mktemp -d)
convert -size 75x53 -seed 7 plasma:orange-blue -blur 0x1 "$picture/colour.ppm"
convert -size 37x23 -seed 5 plasma:black-white -colorspace Gray -depth 8 "$picture/gray.pgm"

cjpeg -quality 80 -outfile baseline.jpg "$picture/colour.ppm"
jpegtran -restart 2B baseline.jpg > restart.jpg
jpegtran -optimize baseline.jpg > optimized.jpg
jpegtran -progressive baseline.jpg > progressive.jpg
jpegtran -progressive -restart 3B baseline.jpg > progressive-restart.jpg
jpegtran -arithmetic baseline.jpg > arithmetic.jpg
printf '0;\n1;\n2;\n' > "$picture/separate.txt"
jpegtran -scans "$picture/separate.txt" baseline.jpg > separate.jpg
cjpeg -quality 95 -sample 1x1 -outfile fine.jpg "$picture/colour.ppm"
cjpeg -quality 60 -sample 4x1 -outfile wide.jpg "$picture/colour.ppm"
cjpeg -rgb -outfile rgb.jpg "$picture/colour.ppm"
cjpeg -quality 80 -outfile gray.jpg "$picture/gray.pgm"
convert "$picture/colour.ppm" -colorspace CMYK -quality 80 cmyk.jpg
convert "$picture/colour.ppm" -crop 1x1+3+3 +repage one.jpg

for kind in "gray8 -depth 8" "gray8-interlaced -depth 8 -interlace PNG" "gray16 -depth 16 -define png:bit-depth=16"; do
    convert "$picture/gray.pgm" ${kind#* } -define png:color-type=0 "${kind%% *}.png"
done
convert "$picture/gray.pgm" -define png:color-type=3 palette.png
convert "$picture/gray.pgm" -define png:color-type=2 rgb.png
convert "$picture/gray.pgm" -type Palette -compress None bmp3:palette.bmp
convert "$picture/gray.pgm" -type TrueColor bmp3:rgb.bmp
convert "$picture/gray.pgm" gray.gif
convert "$picture/gray.pgm" "$picture/gray.pgm" -delay 5 animated.gif
for kind in "none -compress None" "lzw -compress LZW" "deflate-tiles -compress Zip -define tiff:tile-geometry=16x16" "packbits -compress RLE" \
    "rgb -type TrueColor -compress LZW" "gray16 -depth 16 -endian MSB -compress Zip" \
    "inverted -define quantum:polarity=min-is-white -compress None"; do
    convert "$picture/gray.pgm" -depth 8 ${kind#* } "${kind%% *}.tif"
done
convert "$picture/gray.pgm" "$picture/gray.pgm" -compress LZW pages.tif
rm -r "$picture"

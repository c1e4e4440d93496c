<?php
// WordPress's own filter of what an author may write, called in place from Debian's package: texts
// by name as JSON on standard input, the same texts as WordPress would store them on standard output.
define('ABSPATH', '/usr/share/wordpress/');
define('WPINC', 'wp-includes');
define('WP_CONTENT_DIR', ABSPATH . 'wp-content');
define('WP_DEBUG', false);
foreach (['load', 'plugin', 'functions', 'formatting', 'kses', 'compat'] as $part) {
    require_once ABSPATH . WPINC . "/$part.php";
}
// The one setting that is asked for on the way, without a database to ask.
add_filter('pre_option_blog_charset', fn() => 'UTF-8');

$texts = json_decode(stream_get_contents(STDIN), true);
echo json_encode(array_map('wp_kses_post', $texts), JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES);
